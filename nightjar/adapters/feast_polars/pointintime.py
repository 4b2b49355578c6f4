"""Which row of history each moment may see: the point-in-time join, on narrow frames of codes and times alone.

A row is usable from `known` on: when it has happened and, if that counts, been recorded. Of the usable rows a moment sees the one
that happened last; of equals the one recorded last; of equals the last in the file. Walking history in the order in which it became
known, a row that happened before one that is known already can never be seen: dropping those leaves an order in which the last
known row is the right one, however late or often it was corrected. So one backward as-of join on `known` finds it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import polars as pl

from nightjar.adapters.feast_polars.moments import BEGINNING


class Sight(Protocol):
    def rows(self, moments: pl.DataFrame) -> pl.Series:
        """The row of history that each moment sees, UInt32; null where it sees none.

        moments: `code` UInt32 or null, `at` UTC or null, in any order; `until`, the cutoff of records, where the entities have their own.
        """
        ...


@dataclass(frozen=True, slots=True)
class Timeline:
    """History seen from many instants: `code`, `known`, `happened`, `row`, sorted by `known`, without the rows nobody can see."""

    index: pl.DataFrame
    ttl: timedelta | None

    @classmethod
    def of(cls, history: pl.DataFrame, ttl: timedelta | None, *, as_known_at: bool) -> "Timeline":
        """history: `code` UInt32, `happened`, `recorded` (UTC; recorded may be null), rows in file order."""
        index = history.with_row_index("row").with_columns(pl.col("recorded").fill_null(BEGINNING))
        known = pl.max_horizontal("happened", "recorded") if as_known_at else pl.col("happened")
        index = index.with_columns(known=known)
        for column in ("recorded", "happened", "known"):  # stable sorts, least significant first: 2.6x faster than one sort by three columns
            index = index.sort(column, maintain_order=True)
        if not index["happened"].is_sorted():
            index = index.filter(pl.col("happened") == pl.col("happened").cum_max().over("code"))
        return cls(index.select("code", "known", "happened", "row"), ttl)

    def rows(self, moments: pl.DataFrame) -> pl.Series:
        found = (
            askable(moments)
            .sort("at")
            .join_asof(self.index, left_on="at", right_on="known", by="code", strategy="backward", check_sortedness=False)
            .sort("moment")
        )
        if not self.ttl:
            return found["row"]
        alive = pl.col("at") - pl.col("happened") <= self.ttl
        return found.select(pl.when(alive).then("row"))["row"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """History seen from one instant: `code`, `row` of the one usable row of each code."""

    index: pl.DataFrame

    @classmethod
    def of(cls, history: pl.DataFrame, ttl: timedelta | None, at: datetime, *, as_known_at: bool) -> "Snapshot":
        """history: as for a Timeline."""
        usable = pl.col("happened") <= at
        if as_known_at:
            usable &= pl.col("recorded").fill_null(BEGINNING) <= at
        if ttl:
            usable &= pl.lit(at) - pl.col("happened") <= ttl
        newest = history.with_row_index("row").filter(usable).filter(pl.col("happened") == pl.col("happened").max().over("code"))
        ranked = newest.sort("recorded", nulls_last=False, maintain_order=True)
        return cls(ranked.group_by("code").agg(pl.col("row").last()))

    def rows(self, moments: pl.DataFrame) -> pl.Series:
        return askable(moments).join(self.index, on="code", how="left", maintain_order="left")["row"]


def askable(moments: pl.DataFrame) -> pl.DataFrame:
    """Moments with their number, where one without a time asks for no code: it sees nothing."""
    return moments.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("moment"),
        pl.when(pl.col("at").is_not_null()).then("code").alias("code"),
        pl.col("at").fill_null(BEGINNING),
    )
