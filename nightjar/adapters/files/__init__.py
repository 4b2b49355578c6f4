"""Files: feature tables and artifacts, how they are written whole or not at all, and the room on disks."""
