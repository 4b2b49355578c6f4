"""How a version loses quality with its age, in occasions since the first night that it could score."""

from collections.abc import Iterator, Sequence
from math import log2

import polars as pl

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.lifecycle.backtest import DAY, LOSS
from nightjar.core.lifecycle.comparing import quotient_of
from nightjar.core.values import Value

AGE = "age"


class Age(Value):
    """Versions of so many occasions beside fresh ones, on the same rows of the same nights.

    first, last: the ages, both included. over_fresh: their loss over that of the newest version that could
    score the night; None where it is not defined.
    """

    first: int
    last: int
    nights: int
    over_fresh: Estimate | None


def ages_of(losses: pl.DataFrame, width: int) -> tuple[Age, ...]:
    """Ages by ranges that double, youngest first.

    losses: `score_date`, AGE and LOSS, a row for each version and night. width: of the first range.
    """
    if losses.is_empty():
        return ()
    fresh = losses.sort(AGE).group_by(DAY, maintain_order=True).first().select(DAY, fresh=LOSS)
    ranges = losses.with_columns(
        range=pl.col(AGE).map_elements(lambda age: range_of(age, width), return_dtype=pl.Int64)
    )
    return tuple(_ages(ranges, fresh))


def range_of(age: int, width: int) -> int:
    """0 below the width, 1 below twice of it, 2 below four times of it, and so on."""
    return 0 if age < width else 1 + int(log2(age // width))


def follows(ages: Sequence[Age]) -> str:
    """What follows for the schedule of retraining, in words."""
    older = [age for age in ages[1:] if age.over_fresh is not None]
    if not older:
        return "No version was older than one step, so nothing follows for the schedule."
    for age in older:
        assert age.over_fresh is not None
        low, high = age.over_fresh.shown
        if low > 1:
            return (
                f"From {age.first} occasions on a version is surely worse than a fresh one: its loss over "
                f"that of the fresh one is {age.over_fresh.value:.3f} ({low:.3f} to {high:.3f}). "
                f"Retrain at least every {age.first} occasions."
            )
    return (
        f"Up to {older[-1].last} occasions no version is surely worse than a fresh one. A shorter schedule "
        "has no gain on this stretch that could be told from chance."
    )


def _ages(ranges: pl.DataFrame, fresh: pl.DataFrame) -> Iterator[Age]:
    for (_,), rows in sorted(ranges.partition_by("range", as_dict=True).items()):
        sums = rows.group_by(DAY).agg(pl.col(LOSS).mean()).join(fresh, on=DAY).sort(DAY)
        first, last = rows.select(pl.col(AGE).min(), last=pl.col(AGE).max()).row(0)
        yield Age(first=first, last=last, nights=sums.height, over_fresh=quotient_of(sums, LOSS, "fresh"))
