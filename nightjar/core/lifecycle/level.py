"""How much of the difference between two predictors is that of their levels alone.

Two versions a week apart give scores that are higher or lower on the whole, because each follows the newest
days that it knows. Which of them comes nearer to the level of a few weeks is chance for the most part, and it
is most of the noise of a comparison. So the loss that a mere shift explains is told apart from the rest.

m is the mean of what the two give for a row, and shift the mean difference between the two in a group of
rows. The part of the level is loss(m + shift / 2) - loss(m - shift / 2). For a squared error the rest is
exactly -2 (difference - shift) (outcome - m): how far the two differ in which rows they tell apart.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.kinds.kind import Kind

Numbers = NDArray[np.float64]
"""(rows, numbers of a row): the score alone, or the probability of each class."""


def level_part(
    kind: Kind, one: pl.DataFrame, other: pl.DataFrame, outcome: pl.Series, groups: pl.Series
) -> pl.Series:
    """For each row the loss of `one` less that of `other`, as far as their level in its group explains it.

    one, other: `score` and `outputs` of the same rows, none missing. groups: of each row.
    """
    ours, theirs = _numbers(kind, one), _numbers(kind, other)
    middle, half = (ours + theirs) / 2, _means_of(ours - theirs, groups) / 2
    return _losses(kind, middle + half, outcome) - _losses(kind, middle - half, outcome)


def _numbers(kind: Kind, published: pl.DataFrame) -> Numbers:
    if kind.classes:
        return np.stack(published["outputs"].to_list())
    return published["score"].to_numpy().astype(float)[:, None]


def _losses(kind: Kind, numbers: Numbers, outcome: pl.Series) -> pl.Series:
    answer = numbers if kind.classes else numbers[:, 0]
    return kind.losses(kind.rows_of(pl.Series("score", answer, dtype=kind.dtype), ()), outcome)


def _means_of(numbers: Numbers, groups: pl.Series) -> Numbers:
    """The mean of the group of each row."""
    codes = groups.rank("dense").to_numpy().astype(np.int64) - 1
    rows = np.bincount(codes)
    sums = np.stack([np.bincount(codes, weights=column) for column in numbers.T], axis=1)
    return (sums / rows[:, None])[codes]
