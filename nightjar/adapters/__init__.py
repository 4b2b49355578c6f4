"""The edges: everything that touches files, Feast, trained models or reports, behind the ports of the
core.
"""
