"""Converts the entity frame of any library to Polars, with its time in UTC."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import polars as pl
import pyarrow as pa

from .arrow import polars_frame
from .moments import utc_us

EVENT_TIMESTAMP = "event_timestamp"


@dataclass(frozen=True)
class EntityFrame:
    """Rows that ask for features. `time` names the column of their instants (UTC, microseconds).

    cutoffs: for each row, the instant up to which records count (UTC, microseconds). None: the row's own
    instant.
    corrections_only: a row never sees an event that was first recorded after its instant.
    """

    frame: pl.DataFrame
    time: str
    cutoffs: pl.Series | None = None
    corrections_only: bool = False

    @classmethod
    def of(cls, rows: Any, known_at: str | None = None, *, corrections_only: bool = False) -> "EntityFrame":
        """Rows from pandas (its index is ignored), Polars eager or lazy, or Arrow.

        The time is the column `event_timestamp`, or else the only datetime column. Naive times are read as
        UTC. The column that `known_at` names holds the cutoffs, if it exists.
        Raises EntityTimestampInferenceException if there is no time, TypeError for another kind of frame.
        """
        frame = _as_polars(rows)
        time = _time_column(frame.schema, known_at)
        cutoffs = (
            frame.select(utc_us(known_at, frame.schema[known_at]).alias("until")).to_series()
            if known_at and known_at in frame.schema
            else None
        )
        return cls(frame.with_columns(utc_us(time, frame.schema[time])), time, cutoffs, corrections_only)

    @property
    def instants(self) -> pl.Series:
        """The times of the rows, under a name of ours.

        Methods of a series go wrong where its name looks like a pattern.
        """
        return self.frame[self.time].alias("at")

    @cached_property
    def bounds(self) -> tuple[datetime, datetime] | None:
        """The first and the last instant; None where no row has one."""
        return _bounds(self.instants)

    @cached_property
    def cutoff_bounds(self) -> tuple[datetime, datetime] | None:
        """The first and the last instant of those till which records count."""
        return self.bounds if self.cutoffs is None else _bounds(self.cutoffs)

    @property
    def of_one_instant(self) -> bool:
        """True if all rows that have an instant have the same one."""
        return self.bounds is not None and self.bounds[0] == self.bounds[1]

    @cached_property
    def bitemporal(self) -> bool:
        """True if leaving out rows of history is not enough to answer the cutoffs.

        That is so where they differ between rows, or where only corrections count at several instants.
        """
        if self.cutoffs is None or self.cutoffs.equals(self.instants):
            return False
        several = self.cutoffs.n_unique() > 1
        return several or (self.corrections_only and not self.of_one_instant)

    @property
    def first_known_by(self) -> datetime | None:
        """Events first recorded later are seen by no row. None: the rows differ in that, or all count."""
        corrected = self.cutoffs is not None and self.corrections_only
        return self.bounds[0] if corrected and self.bounds and self.of_one_instant else None

    def slice(self, start: int, rows: int) -> "EntityFrame":
        return replace(
            self,
            frame=self.frame.slice(start, rows),
            cutoffs=None if self.cutoffs is None else self.cutoffs.slice(start, rows),
        )


def _bounds(times: pl.Series) -> tuple[datetime, datetime] | None:
    first, last = times.min(), times.max()
    return (first, last) if isinstance(first, datetime) and isinstance(last, datetime) else None


def _as_polars(rows: Any) -> pl.DataFrame:
    if isinstance(rows, pl.DataFrame):
        return rows
    if isinstance(rows, pl.LazyFrame):
        return rows.collect()
    if isinstance(rows, pa.Table):
        return polars_frame(rows)
    if isinstance(rows, str):
        raise TypeError(
            "The Polars offline store runs no SQL: pass the entity rows as a Polars, Arrow or pandas frame."
        )
    import pandas as pd  # noqa: PLC0415  # who has no frame of pandas need not wait for it

    if isinstance(rows, pd.DataFrame):
        return polars_frame(pa.Table.from_pandas(rows, preserve_index=False))
    raise TypeError(f"The entity rows are a {type(rows).__name__}; pass a Polars, Arrow or pandas frame.")


def _time_column(schema: pl.Schema, known_at: str | None) -> str:
    if EVENT_TIMESTAMP in schema:
        return EVENT_TIMESTAMP
    times = [name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime) and name != known_at]
    if len(times) != 1:
        from feast.errors import EntityTimestampInferenceException  # noqa: PLC0415  # it takes seconds

        raise EntityTimestampInferenceException(EVENT_TIMESTAMP)
    return times[0]
