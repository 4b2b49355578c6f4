"""A model: its spec and the spec's rules, its schedule, its categories, its versions."""
