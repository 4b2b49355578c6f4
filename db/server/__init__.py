"""The Postgres server itself: the embedded one, roles, passwords."""
