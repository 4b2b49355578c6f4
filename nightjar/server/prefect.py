"""Prefect's own command line, whose workers run only our flows and log as `nightjar.wiring.logs` says."""

import os

from nightjar.wiring.logs import prefect_settings
from nightjar.wiring.settings import Settings

# Set before Prefect is imported, which reads them once.
os.environ.update(prefect_settings(Settings().log_format))

from prefect.cli import app

import nightjar.server.worker  # noqa: F401  # takes the place of Prefect's own worker

if __name__ == "__main__":
    app()
