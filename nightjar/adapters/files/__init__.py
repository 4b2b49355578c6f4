"""Files: feature tables and artifacts, and how files are written whole or not at all."""
