"""The steps from an empty database to the schema in db/tables.py, in order."""
