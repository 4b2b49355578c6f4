"""Stored scores and quarantined rows."""

from typing import Protocol

import polars as pl

from nightjar.core.comparison.entities import Distribution
from nightjar.core.night.entities import Run


class ScoreReader(Protocol):
    """What the parts of a run hold."""

    def distribution(self, run: Run) -> Distribution: ...

    def published_scores(self, run: Run) -> pl.DataFrame:
        """`entity_key`, `score`, `challenger_score`, `carried_from` of a run, sorted by key."""
        ...

    def scores_for(self, run: Run, keys: pl.Series) -> pl.DataFrame:
        """`entity_key` and `score` of those of the keys that a run has scored, in any order."""
        ...

    def quarantined(self, run: Run) -> pl.DataFrame:
        """`entity_key`, `reasons`, `row` of a run, as `write_part` took them, in the population's order."""
        ...
