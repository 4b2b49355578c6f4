"""PSI (population stability index): how far the rows of a night are from the rows of a reference sample.

It is the sum of (night share - reference share) * ln(night share / reference share) over buckets that the
reference fixes. With few rows it is above 0 even without drift. It is then about (1/n + 1/m) times a
chi-square variable with buckets - 1 degrees of freedom (Yurdakul and Naranjo 2020, Statistical properties of
the population stability index, Journal of Risk Model Validation 14(4)). `chance` is the upper quantile of
that noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Shares = NDArray[np.float64]

SMOOTHING = 0.001
"""This is added to each bucket's share.

So an empty bucket gives a finite term, and the term is the same for a night of any size.
"""
BUCKETS = 10
MAX_CATEGORIES = 50
MIN_PER_BUCKET = 10
"""A night must expect at least this many rows in a bucket.

With Cochran's usual 5, PSI still exceeded its chi-square quantile ten times too often.
"""


@dataclass(frozen=True, slots=True)
class Buckets:
    """A mapping of values to buckets 0..count-1, fixed by the reference."""

    count: int
    of: Callable[[pl.Series], Numbers]


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference sample in buckets: each value's `bucket`, and the `expected` share of each bucket."""

    buckets: Buckets
    bucket: Numbers
    expected: Shares

    def psi(self, values: pl.Series) -> float:
        """PSI of a night's values, which are not null."""
        return float(_psi(_counts(self.buckets.of(values), self.buckets.count), self.expected)[0])

    def psi_a_date(self, dates: Numbers, least_rows: int) -> Shares:
        """PSI of the reference's own values on each date that has so many of them.

        dates: 0, 1, ... for the date of each value.
        """
        counts = _counts(self.bucket, self.buckets.count, dates)
        return _psi(counts[counts.sum(axis=1) >= least_rows], self.expected)

    def chance(self, rows: int, probability: float) -> float:
        """The PSI that a night of `rows` rows without drift exceeds by chance with this probability."""
        freedom = max(int((self.expected > 0).sum()) - 1, 1)
        from scipy.special import chdtri  # noqa: PLC0415  # it takes a tenth of a second to import

        return (1 / rows + 1 / len(self.bucket)) * float(chdtri(freedom, probability))


def bucket_count(values: pl.Series, rows: int, *, text: bool) -> int:
    """Return the number of buckets for a night of `rows` rows.

    Buckets for values that the reference does not have are not counted.
    """
    return _frequent(values, rows).len() if text else _quantiles(rows)


def reference_of(values: pl.Series, rows: int, *, text: bool) -> Reference:
    """Put a reference's values (at least one, no nulls) into buckets for a night of `rows` rows."""
    buckets = (_category_buckets if text else _quantile_buckets)(values, rows)
    bucket = buckets.of(values)
    return Reference(buckets, bucket, _counts(bucket, buckets.count)[0] / len(bucket))


def _quantile_buckets(reference: pl.Series, rows: int) -> Buckets:
    """Make buckets from the reference's quantiles, one below its least value and one above its greatest."""
    inner, ordered = _quantiles(rows), np.sort(reference.to_numpy())
    places = [int((len(ordered) - 1) * step / inner) for step in range(1, inner + 1)]
    edges, least = np.unique(ordered[places]), ordered[0]

    def of(values: pl.Series) -> Numbers:
        found = values.to_numpy()
        return np.where(found < least, 0, np.searchsorted(edges, found, side="left") + 1)

    return Buckets(len(edges) + 2, of)


def _quantiles(rows: int) -> int:
    return max(2, min(BUCKETS, rows // MIN_PER_BUCKET))


def _category_buckets(reference: pl.Series, rows: int) -> Buckets:
    """Make a bucket for each frequent category, one for the rare ones, and a last one for unseen ones."""
    frequent = _frequent(reference, rows)
    known = pl.concat([frequent, reference.filter(~reference.is_in(frequent.implode())).unique()])
    numbers = pl.int_range(known.len(), dtype=pl.Int64, eager=True).clip(upper_bound=frequent.len())

    def of(values: pl.Series) -> Numbers:
        unseen = frequent.len() + 1
        return values.replace_strict(known, numbers, default=unseen, return_dtype=pl.Int64).to_numpy()

    return Buckets(frequent.len() + 2, of)


def _frequent(reference: pl.Series, rows: int) -> pl.Series:
    """Return the categories with MIN_PER_BUCKET expected rows in such a night, most frequent first."""
    return (
        reference.alias("category")
        .value_counts(name="n")
        .filter(pl.col("n") * rows >= MIN_PER_BUCKET * reference.len())
        .sort(["n", "category"], descending=[True, False])["category"]
        .head(MAX_CATEGORIES)
    )


def _counts(bucket: Numbers, buckets: int, group: Numbers | None = None) -> Numbers:
    """Rows of each bucket, (groups, buckets). group: 0, 1, ... of each row; None: all rows are one group."""
    groups, places = (
        (1, bucket) if group is None else (int(group.max(initial=-1)) + 1, group * buckets + bucket)
    )
    return np.bincount(places, minlength=groups * buckets).reshape(groups, buckets)


def _psi(counts: Numbers, expected: Shares) -> Shares:
    """Return the PSI of each group, (groups,), from its counts, (groups, buckets), of at least one row."""
    found = counts / counts.sum(axis=1, keepdims=True)
    p, q = ((share + SMOOTHING) / (1 + SMOOTHING * len(expected)) for share in (found, expected))
    return ((p - q) * np.log(p / q)).sum(axis=1)
