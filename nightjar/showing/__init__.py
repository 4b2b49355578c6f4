"""What people are shown: tables in a terminal, and text in Prefect's UI."""
