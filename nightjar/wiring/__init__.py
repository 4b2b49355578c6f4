"""Settings in, use cases with their real adapters out."""
