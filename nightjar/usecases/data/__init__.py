"""Land what is delivered and build features of it."""
