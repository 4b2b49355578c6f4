"""What became of published nights: drift and performance."""
