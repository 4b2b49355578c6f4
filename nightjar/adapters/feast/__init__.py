"""Features through Feast: its repository and its retrieval."""
