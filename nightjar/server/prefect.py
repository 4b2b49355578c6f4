"""Prefect's own command line, whose workers run only our flows."""

from prefect.cli import app

import nightjar.server.worker  # noqa: F401  # takes the place of Prefect's own worker

if __name__ == "__main__":
    app()
