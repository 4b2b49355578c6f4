"""Feature tables, and features as they were known."""

from datetime import date, datetime
from typing import Protocol

import polars as pl

from nightjar.core.model.spec import FeatureTable, ModelSpec


class FeatureFiles(Protocol):
    """Feature tables as date-partitioned Parquet, partition `date` = UTC date of event_timestamp."""

    def fingerprints(self, table: FeatureTable) -> dict[date, str]:
        """Raw day -> fingerprint of the inputs it was last built from."""
        ...

    def write(self, table: FeatureTable, rows: pl.DataFrame, built: dict[date, str]) -> int:
        """Add the rows that are new; return how many.

        A row is new if it differs from the newest kept row of the same keys and event_timestamp, or if there
        is none. Append-only in meaning: a corrected row joins the old one with its later `created`. Each
        partition is replaced atomically; writing the same rows again changes nothing. `built` is recorded
        only after the rows are safe.
        """
        ...

    def newest(self, table: FeatureTable, as_of: datetime) -> datetime | None:
        """`event_timestamp` of the newest row that had happened and was recorded by `as_of` (UTC).

        None if there is none.
        """
        ...


class FeatureSource(Protocol):
    def require(self, spec: ModelSpec) -> None:
        """Raise what `retrieve` would raise before it looks at any data: MissingFeatures."""
        ...

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        """The entities with the model's features joined as known at each row's `event_timestamp` (UTC).

        entities: may have a column `known_at` (UTC): what was recorded counts till then, in place of the
        `event_timestamp`. Keeps every row, in order, and every column of `entities`; features without usable
        history are null.
        Raises MissingFeatures, StoreUnavailable.
        """
        ...
