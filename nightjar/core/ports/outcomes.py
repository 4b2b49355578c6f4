"""What really happened, and how nights did."""

from datetime import date
from typing import Protocol

import polars as pl

from nightjar.core.monitoring.entities import NightPerformance


class Outcomes(Protocol):
    def record(self, model: str, outcomes: pl.DataFrame) -> int:
        """Keep what really happened; return how many rows were new.

        outcomes: `entity_key`, `score_date` Date, `outcome` as the model's kind has it, `recorded_at` UTC. A
        row already kept changes nothing; a correction joins it under its later recorded_at.
        """
        ...

    def record_performance(self, performance: NightPerformance) -> None:
        """Add a measurement of a run, beside those before it.

        Raises BadSettings for one by outcomes of the future.
        """
        ...

    def performances(self, model: str) -> tuple[NightPerformance, ...]:
        """The newest measurement of every run that was measured, by run.

        It is by the latest outcomes, and of those the one recorded last.
        """
        ...

    def scored(self, model: str, score_date: date) -> pl.DataFrame:
        """`entity_key`, `score`, `outcome` of the published run of a night; empty when none is published.

        `outcome` is a Float64, null while unknown.
        """
        ...
