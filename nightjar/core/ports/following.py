"""What follows the publication of a run."""

from typing import Protocol

import polars as pl

from nightjar.core.night.entities import Run


class Follow(Protocol):
    def __call__(self, run: Run, audited: pl.DataFrame | None = None) -> tuple[str, ...]:
        """Do what follows the publication of a run, and return what could not be done. Raises no error.

        audited: rows of the run with their features, where they are at hand.
        """
        ...


def nothing_follows(run: Run, audited: pl.DataFrame | None = None) -> tuple[str, ...]:
    """For a run that nobody compares or measures."""
    return ()
