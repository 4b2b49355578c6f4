"""Measure what became of published nights."""
