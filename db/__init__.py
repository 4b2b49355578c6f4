"""Postgres: the schema, who may do what in it, and the stores that the engine's ports ask for."""
