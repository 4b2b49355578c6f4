"""Every error Nightjar raises on purpose, by subject: what was wrong, where, and what to do next."""
