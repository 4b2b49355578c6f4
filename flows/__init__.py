"""Prefect flows and tasks, and nothing else: each calls one use case."""
