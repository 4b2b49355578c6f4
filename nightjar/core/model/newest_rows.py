"""The row of a feature table that each key has at an instant."""

from datetime import datetime

import polars as pl

from nightjar.core.model.spec import FeatureTable
from nightjar.core.values import instant

IN_TIME = ("event_timestamp", "created")
"""The last row in this order is the one that is read. Of equal ones it is the last in the file: a day that is
computed again, from a correction of an earlier day, may be as new as it was.
"""


def newest_rows(rows: pl.LazyFrame, table: FeatureTable, as_of: datetime, known_at: datetime) -> pl.LazyFrame:
    """Return of each key the row that a night reads, in any order. rows: all rows of some keys and days.

    After as_of only corrections of what was known by then count, and only those that were known at known_at.
    """
    created, now = pl.col("created"), instant(as_of)
    happened = pl.col("event_timestamp").is_between(instant(as_of - table.ttl), now)
    wanted = happened & (created <= instant(known_at))
    if known_at > as_of:
        wanted &= created.min().over(*table.keys, "event_timestamp") <= now
    return rows.filter(wanted).sort(*IN_TIME, maintain_order=True).unique([*table.keys], keep="last")
