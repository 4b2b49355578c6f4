"""Score, publish, repair and roll back nights."""
