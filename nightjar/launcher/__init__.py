"""The platform on one machine: its processes, started, watched and stopped."""
