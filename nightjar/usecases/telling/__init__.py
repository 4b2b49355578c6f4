"""Tell programs of publications, and people of incidents."""
