"""The ports over Postgres, one file a port."""
