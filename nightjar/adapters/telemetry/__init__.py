"""What the stages of a night take, as this process measures it."""
