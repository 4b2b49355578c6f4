"""The steps that follow the publication of a run."""

from typing import Protocol

import polars as pl

from nightjar.core.night.entities import Run


class Follow(Protocol):
    def __call__(self, run: Run, audited: pl.DataFrame | None = None) -> tuple[str, ...]:
        """Do the steps that follow a run's publication. Return those that could not be done.

        Raises no error. audited: rows of the run with their features and scores, as
        `scores_for` gives them, if available.
        """
        ...


def nothing_follows(run: Run, audited: pl.DataFrame | None = None) -> tuple[str, ...]:
    """Do nothing. It is for a run that nobody compares or measures."""
    return ()
