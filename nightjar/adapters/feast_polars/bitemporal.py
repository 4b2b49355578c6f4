"""Finds the row of history that a moment may see, if events and records have different cutoffs.

Events count up to one instant, and records up to another. A moment looks at the rows that happened by `at`,
in the order of (happened, recorded, file). It sees the last of them that was recorded by `until`. An as-of
join finds the start of the search. From there the search steps back over rows that were recorded too late, by
powers of two. It skips the next 2, 4, 8... rows back if the earliest record among them is too late.

If only corrections count, an event must also have been recorded once by `at`. The same search then runs first
over the times at which each event was first recorded. It ends in the last version of the right event.
"""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from .pointintime import Moments, ranked

FAR_FUTURE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Bitemporal:
    """History seen from many instants, each with its own cutoff.

    Columns: `code`, `happened`, `row`, `position`, sorted by code and time.
    earliest: for each power of two, the earliest record (physical microseconds) among that many rows that end
    at a position.
    earliest_first: the same for the first record of each row's event; None if a moment may see new events.
    """

    index: pl.DataFrame
    earliest: tuple[pl.Series, ...]
    earliest_first: tuple[pl.Series, ...] | None
    ttl: timedelta | None

    @classmethod
    def of(
        cls, history: pl.DataFrame, ttl: timedelta | None, *, corrections_only: bool = False
    ) -> "Bitemporal":
        """history: as for a Timeline; `recorded` has no nulls.

        corrections_only: events first recorded after a moment stay unseen by it.
        """
        index = ranked(history, "code")
        longest = index["code"].value_counts()["count"].max() if index.height else 0
        assert isinstance(longest, int)
        first = (
            index.select(pl.col("recorded").min().over("code", "happened")).to_series()
            if corrections_only
            else None
        )
        return cls(
            index.select("code", "happened", "row").with_row_index("position"),
            minima(index["recorded"], longest),
            None if first is None else minima(first, longest),
            ttl,
        )

    def rows(self, codes: pl.Series, moments: Moments) -> pl.Series:
        assert moments.until is not None
        codes = pl.select(pl.when(moments.until.is_not_null()).then(codes).alias("code")).to_series()
        begun = moments.in_order(codes).join_asof(
            self.index.select("code", "happened", "position"),
            left_on="at",
            right_on="happened",
            by="code",
            check_sortedness=False,
        )
        position = moments.restored(begun["position"]).cast(pl.Int64)
        if self.earliest_first is not None:
            position = recorded_by(
                self.earliest_first,
                position,
                pl.select(pl.min_horizontal(moments.at, moments.until)).to_series(),
            )
        position = recorded_by(self.earliest, position, moments.until)
        found = self.index.select(pl.all().gather(position)).with_columns(at=moments.at, asked=codes)
        usable = pl.col("code") == pl.col("asked")
        if self.ttl:
            usable &= pl.col("at") - pl.col("happened") <= self.ttl
        return found.select(pl.when(usable).then("row"))["row"]


def minima(times: pl.Series, longest: int) -> tuple[pl.Series, ...]:
    """For each power of two up to `longest`: the earliest time among that many rows that end at a position.

    Times are physical values.
    """
    earliest = [times.to_physical()]
    while 2 ** len(earliest) <= longest:
        farther = earliest[-1].shift(2 ** (len(earliest) - 1), fill_value=FAR_FUTURE)
        earliest.append(pl.select(pl.min_horizontal(earliest[-1], farther)).to_series())
    return tuple(earliest)


def recorded_by(earliest: tuple[pl.Series, ...], position: pl.Series, until: pl.Series) -> pl.Series:
    """Return, for each position, the last one at or before it whose record is in time.

    If there is none, it is null or the position of another code.
    """
    latest = until.to_physical()
    for power in reversed(range(len(earliest))):
        too_late = earliest[power].gather(position) > latest
        back = pl.when(position >= 2**power).then(position - 2**power)
        position = pl.select(pl.when(too_late).then(back).otherwise(position).alias("position")).to_series()
    return position
