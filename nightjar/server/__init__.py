"""What we tell and mend of a Prefect server: who may ask it, and what its worker runs."""
