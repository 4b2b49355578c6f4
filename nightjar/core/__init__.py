"""Decisions as pure functions and the values they work on: no disk, clock, network or environment."""
