"""The edges: files, Feast, trained models and reports, behind the ports of the core."""
