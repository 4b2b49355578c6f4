"""Delivered files: read, checked, kept by day, or set aside."""
