"""How part jobs are carried out: in turn, on threads, in processes.

Prefect's tasks are one more, in flows/parts.py.
"""
