"""How a version comes to be champion: its training set, its gates, its promotion."""
