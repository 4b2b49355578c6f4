"""What the desk shows of a model's nights, and in which state each night is."""
