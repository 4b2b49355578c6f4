"""Outcomes, and the performance of nights measured by them."""

from datetime import date
from typing import Protocol

import polars as pl

from nightjar.core.monitoring.entities import NightComparison, NightPerformance


class Outcomes(Protocol):
    def record(self, model: str, outcomes: pl.DataFrame) -> int:
        """Store outcomes and return the number of new rows.

        outcomes: `entity_key`, `score_date` Date, `outcome` as the model's kind codes it, `recorded_at` UTC.
        A row that is already stored changes nothing. A correction is stored beside it, with a later
        recorded_at.
        """
        ...

    def record_performance(self, performance: NightPerformance) -> None:
        """Add a measurement of a run. Earlier measurements stay.

        Raises BadSettings if it was measured by outcomes of the future.
        """
        ...

    def performances(self, model: str) -> tuple[NightPerformance, ...]:
        """Return the newest measurement of every measured run, by run.

        The newest is the one by the latest outcomes. If there are several, it is the one recorded last.
        """
        ...

    def record_comparison(self, comparison: NightComparison) -> None:
        """Add a comparison of a run's champion and challenger. Earlier comparisons stay.

        Raises BadSettings if it was measured by outcomes of the future.
        """
        ...

    def comparisons(self, model: str) -> tuple[NightComparison, ...]:
        """Return all comparisons of the runs that analysts see now, in the order in which they were known.

        So the first one of a run says what was known of it first, and its last one is the newest.
        """
        ...

    def scored(self, model: str, score_date: date) -> pl.DataFrame:
        """Return `entity_key`, `score`, `outputs`, `challenger_score`, `challenger_outputs`, `outcome`.

        They are of the published run of a night.

        The frame is empty if no run is published. `outcome` is a Float64, null while unknown.
        """
        ...
