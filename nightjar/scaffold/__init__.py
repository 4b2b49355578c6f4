"""The files of a new model: it scores sample data at once, and its comments say what to replace."""
