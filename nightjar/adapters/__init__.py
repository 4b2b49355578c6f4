"""The edges, behind the ports of the core: files, Feast, trained models and reports."""
