"""A distance says how far a night's column is from other nights: 0 is the same, 1 is nothing in common.

Numbers: the Kolmogorov-Smirnov distance, the widest gap between the shares of values up to a number.
Categories: the total variation distance, the share of rows that would have to change category. Each quantile
of a profile has the same weight, and so has each night.

The code does not use `scipy.stats.ks_2samp`, because that compares one pair of samples a call. The distances
are the same (a test compares them).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison.entities import ColumnProfile
from nightjar.core.comparison.ordinary import ROUNDING

Matrix = NDArray[np.float64]
Columns = Mapping[str, ColumnProfile]
"""A night's profiles by column."""

KEY = ("column", "night")
SIDES: tuple[Literal["right"], Literal["left"]] = ("right", "left")


@dataclass(frozen=True, slots=True)
class Distances:
    """How far one column is tonight, and usually, from other nights.

    now: tonight's distance from the trailing nights together. usual: the largest distance of a trailing night
    from the other trailing nights. unseen: the share of tonight's values in categories that no trailing night
    has. usual_unseen: the largest such share of a trailing night.
    """

    now: float
    usual: float
    unseen: float = 0.0
    usual_unseen: float = 0.0


def distances(tonight: Columns, trailing: Sequence[Columns]) -> dict[str, Distances]:
    """Return the distances of each column that has values tonight and in at least two trailing nights."""
    now = to_the_rest([tonight, *trailing], most=1).drop("night")
    most = pl.max("distance").alias("usual"), pl.max("unseen").alias("usual_unseen")
    usual = to_the_rest(trailing).group_by("column").agg(*most)
    both = now.rename({"distance": "now"}).join(usual, on="column")
    return {row.pop("column"): Distances(**row) for row in both.iter_rows(named=True)}


def to_the_rest(nights: Sequence[Columns], most: int | None = None) -> pl.DataFrame:
    """Return how far each night is from the other nights together, in each column.

    most: of so many first nights; None: of all. Columns: `column`, `night` (its place), its `distance` from
    the others, and `unseen`, the share of its values in categories that no other night has.
    """
    asked, numbers = range(len(nights) if most is None else most), dict[str, dict[int, Sequence[float]]]()
    for night, columns in enumerate(nights):
        for name, seen in columns.items():
            if seen.quantiles:
                numbers.setdefault(name, {})[night] = seen.quantiles
    categories = [
        (name, night, category, rows / seen.values)
        for night, columns in enumerate(nights)
        for name, seen in columns.items()
        for category, rows in (*seen.categories.items(), (None, seen.values - sum(seen.categories.values())))
        if seen.categories
    ]
    schema = {"column": pl.String, "night": pl.Int64}
    far = [
        (name, night, distance, 0.0)
        for name, values in numbers.items()
        if len(values) > 1 and (of := [night for night in values if night in asked])
        for night, distance in zip(
            of, gaps([values[night] for night in of], together(values.values())), strict=True
        )
    ]
    shares = pl.DataFrame(
        categories, schema={**schema, "category": pl.String, "share": pl.Float64}, orient="row"
    )
    measured = {**schema, "distance": pl.Float64, "unseen": pl.Float64}
    apart = overlaps(shares).filter(pl.col("night") < len(asked))
    return pl.concat([pl.DataFrame(far, schema=measured, orient="row"), apart])


def together(nights: Iterable[Sequence[float]]) -> Matrix:
    """The values of some nights, in order."""
    return np.sort(np.concatenate([np.asarray(values, dtype=float) for values in nights]))


def gap(night: Sequence[float], every: Matrix) -> float:
    """`gaps` of one night."""
    return gaps([night], every)[0]


def gaps(nights: Sequence[Sequence[float]], every: Matrix) -> list[float]:
    """Return the distance of each night from the others in one number column.

    nights: the values of each in order, at least one. every: those of all nights `together`, also of others.
    Two step functions are furthest apart at a step of the first one. If the first one is ahead, the place is
    just after that step. If it is behind, the place is just before that step.
    """
    sizes = np.array([len(night) for night in nights])
    starts, size = np.cumsum(sizes) - sizes, np.repeat(sizes, sizes)
    own = np.concatenate([np.asarray(night, dtype=float) for night in nights])
    begins = np.append(True, own[1:] != own[:-1])
    begins[starts] = True
    first = np.flatnonzero(begins)  # of each run of equal values of a night
    run = np.cumsum(begins) - 1
    start = np.repeat(starts, sizes)
    below, to = first[run] - start, np.append(first[1:], own.size)[run] - start
    all_to, all_below = (np.searchsorted(every, own, side) for side in SIDES)
    others = every.size - size
    ahead = to / size - (all_to - to) / others
    behind = (all_below - below) / others - below / size
    return np.maximum.reduceat(np.maximum(ahead, behind), starts).tolist()


def overlaps(shares: pl.DataFrame) -> pl.DataFrame:
    """Return the distances of category columns. A null stands for the rarest categories together.

    The distance is 1 minus the share that the night has in common with the other nights.
    """
    others = pl.col("night").n_unique().over("column") - 1
    rest = (pl.col("share").sum().over("column", "category") - pl.col("share")) / others
    met = shares.with_columns(others=others, rest=rest).filter(pl.col("others") > 0)
    own = pl.col("share").filter(pl.col("category").is_not_null() & (pl.col("rest") < ROUNDING)).sum()
    return met.group_by(KEY).agg(distance=1 - pl.min_horizontal("share", "rest").sum(), unseen=own)
