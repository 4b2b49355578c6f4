"""How part jobs are carried out: in turn, on threads, in processes, on a cluster.

Prefect's tasks are one more, in flows/parts.py.
"""
