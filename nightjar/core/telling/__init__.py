"""What people and programs are told: publications, incidents, and when a message is tried again."""
