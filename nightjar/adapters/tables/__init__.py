"""Tables to scan: read where they lie, as known at an instant."""
