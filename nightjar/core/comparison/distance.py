"""A distance says how far a night's column is from other nights: 0 is the same, 1 is nothing in common.

Numbers: the Kolmogorov-Smirnov distance, the widest gap between the shares of values up to a number.
Categories: the total variation distance, the share of rows that would have to change category. Each quantile
of a profile has the same weight, and so has each night.

The code does not use `scipy.stats.ks_2samp`, because that compares one pair of samples a call. The distances
are the same (a test compares them).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import le, lt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison.entities import ColumnProfile
from nightjar.core.comparison.ordinary import ROUNDING

Matrix = NDArray[np.float64]
Columns = Mapping[str, ColumnProfile]
"""A night's profiles by column."""

KEY = ("column", "night")


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
    now = to_the_rest([tonight, *trailing]).filter(pl.col("night") == 0).drop("night")
    most = pl.max("distance").alias("usual"), pl.max("unseen").alias("usual_unseen")
    usual = to_the_rest(trailing).group_by("column").agg(*most)
    both = now.rename({"distance": "now"}).join(usual, on="column")
    return {row.pop("column"): Distances(**row) for row in both.iter_rows(named=True)}


def to_the_rest(nights: Sequence[Columns]) -> pl.DataFrame:
    """Return how far each night is from the other nights together, in each column.

    Columns: `column`, `night` (its place), its `distance` from the others, and `unseen`, the share of its
    values in categories that no other night has.
    """
    numbers = dict[str, dict[int, Sequence[float]]]()
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
        (name, night, float(distance), 0.0)
        for name, values in numbers.items()
        if len(values) > 1
        for night, distance in zip(values, gaps([*values.values()]), strict=True)
    ]
    shares = pl.DataFrame(
        categories, schema={**schema, "category": pl.String, "share": pl.Float64}, orient="row"
    )
    measured = {**schema, "distance": pl.Float64, "unseen": pl.Float64}
    return pl.concat([pl.DataFrame(far, schema=measured, orient="row"), overlaps(shares)])


def gaps(nights: Sequence[Sequence[float]]) -> Matrix:
    """Return the distance of each night from the others in one number column: its values in order.

    Two step functions are furthest apart at a step of the first one. If the first one is ahead, the place is
    just after that step. If it is behind, the place is just before that step.
    """
    sizes = np.array([[len(values)] for values in nights])
    own = np.full((len(nights), sizes.max()), np.inf)
    for night, values in enumerate(nights):
        own[night, : len(values)] = values
    every, others = np.sort(own, axis=None), sizes.sum() - sizes
    to, below = ((is_before(own[:, None, :], own[:, :, None])).sum(axis=2) for is_before in (le, lt))
    ahead = to / sizes - (np.searchsorted(every, own, "right") - to) / others
    behind = (np.searchsorted(every, own) - below) / others - below / sizes
    return np.where(np.isfinite(own), np.maximum(ahead, behind), 0.0).max(axis=1)


def overlaps(shares: pl.DataFrame) -> pl.DataFrame:
    """Return the distances of category columns. A null stands for the rarest categories together.

    The distance is 1 minus the share that the night has in common with the other nights.
    """
    others = pl.col("night").n_unique().over("column") - 1
    rest = (pl.col("share").sum().over("column", "category") - pl.col("share")) / others
    met = shares.with_columns(others=others, rest=rest).filter(pl.col("others") > 0)
    own = pl.col("share").filter(pl.col("category").is_not_null() & (pl.col("rest") < ROUNDING)).sum()
    return met.group_by(KEY).agg(distance=1 - pl.min_horizontal("share", "rest").sum(), unseen=own)
