"""Alembic environment; its versions are the history of the schema."""
