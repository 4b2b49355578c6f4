"""Nightjar: scheduled batch scoring, published exactly once."""
