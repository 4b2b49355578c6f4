"""Stored scores and quarantined rows."""

from typing import Protocol

import polars as pl

from nightjar.core.comparison.entities import Distribution
from nightjar.core.night.entities import Part, Run


class ScoreReader(Protocol):
    """Reads the scores and quarantined rows of a run's parts."""

    def distribution(self, run: Run) -> Distribution:
        """Return the scores as they are served, in numbers."""
        ...

    def published_scores(self, run: Run) -> pl.DataFrame:
        """Return the rows of a run as `write_part` stored them, sorted by key."""
        ...

    def highest(self, run: Run, count: int, above: float | None = None) -> pl.DataFrame:
        """Return `entity_key`, `score`, `arm` of the rows with the highest scores, and of all above a bound.

        count: how many rows are the highest. Scores are those of the version that serves the row. Of equal
        scores the least keys count. The rows are in any order.
        """
        ...

    def scores_for(self, run: Run, keys: pl.Series) -> pl.DataFrame:
        """Return the columns SCORES, without `carried_from`, of those `keys` that the run has scored.

        `score` and `outputs` are those of the version that serves the row. The rows are in any order.
        """
        ...

    def stored_part(self, run: Run, part: Part) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the scores and the quarantined rows of a part as `write_part` stored them.

        Scores are in any order, quarantined rows in the population's.
        """
        ...

    def quarantined(self, run: Run) -> pl.DataFrame:
        """Return `entity_key`, `reasons`, `row` as `write_part` stored them, in the population's order."""
        ...
