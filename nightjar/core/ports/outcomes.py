"""Outcomes, and the performance of nights measured by them."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Protocol

import polars as pl

from nightjar.core.monitoring.entities import Measurement, NightComparison


class Outcomes(Protocol):
    def record(self, model: str, outcomes: pl.DataFrame) -> int:
        """Store outcomes and return the number of new rows.

        outcomes: `entity_key`, `score_date` Date, `outcome` as the model's kind codes it, `recorded_at` UTC.
        A row that is already stored changes nothing. A correction is stored beside it, with a later
        recorded_at.
        """
        ...

    def unknown(self, model: str, dates: Collection[date]) -> frozenset[date]:
        """Return those of the score dates of which no outcome is stored."""
        ...

    def add(self, measurements: Sequence[Measurement]) -> None:
        """Add measurements, all or none. Earlier ones of the same stay.

        Raises BadSettings if one was measured by outcomes of the future.
        """
        ...

    def measured(
        self,
        model: str,
        known_at: datetime | None = None,
        *,
        since: date | None = None,
        whole: bool = False,
    ) -> tuple[Measurement, ...]:
        """Return the newest measurements of the runs that were ever published, by run.

        known_at: only those measured by outcomes known by this instant (UTC); None: all. since: only those of
        this score date or later. whole: only those of all rows of single nights, by the champion.
        The newest is the one by the latest outcomes. If there are several, it is the one recorded last.
        """
        ...

    def comparisons(self, model: str) -> tuple[NightComparison, ...]:
        """Return all comparisons of the runs that analysts see now, in the order in which they were known.

        So the first one of a run says what was known of it first, and its last one is the newest. One that
        was recorded after another one of its run, by fewer outcomes, looks back and is left out.
        """
        ...

    def scored(
        self,
        model: str,
        score_date: date,
        known_at: datetime | None = None,
        outcomes: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Return the columns SCORES without `carried_from`, and `outcome`, of the published run of a night.

        The frame is empty if no run is published. outcomes: all that are stored of the night, as `record`
        took them, for a caller who has them: then they are not read. None: they are read.
        `outcome` is a Float64: the newest that was recorded by `known_at` (UTC; None: of all), null if
        there is none.
        """
        ...

    def of_rows(self, model: str, rows: pl.DataFrame, known_at: datetime) -> pl.DataFrame:
        """Return the newest `outcome` of some entities of several nights that was recorded by an instant.

        rows: `score_date` and `entity_key`, each pair once. Both are returned too, in any order. A pair
        without an outcome is left out.
        """
        ...
