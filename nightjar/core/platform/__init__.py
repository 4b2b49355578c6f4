"""When the platform's processes and flow runs are started again, paused or refused."""
