"""PSI (population stability index): how far the rows of a night are from the rows of a reference sample.

It is the sum of (night share - reference share) * ln(night share / reference share) over buckets that the
reference fixes. With few rows it is above 0 even without drift. It is then about (1/n + 1/m) times a
chi-square variable with buckets - 1 degrees of freedom (Yurdakul and Naranjo 2020, Statistical properties of
the population stability index, Journal of Risk Model Validation 14(4)). `chance` is the upper quantile of
that noise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison import columns

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
    of: Callable[[Any], Numbers]


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference sample in buckets: each value's `bucket`, and the `expected` share of each bucket."""

    buckets: Buckets
    bucket: Numbers
    expected: Shares

    def psi(self, values: Any) -> float:
        """PSI of a night's values, which are not missing and of the type of the sample's."""
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


class NumberSample:
    """The numbers of a reference sample, at least one, none of them missing.

    Arrays, not series: a sample has tens of columns, and a query of Polars takes longer than their numbers.
    """

    def __init__(self, values: Shares) -> None:
        # Polars sorts such numbers, many of them alike, in half the time of numpy. Threads would not pay.
        self._values, self._ordered = values, pl.Series(values).sort(multithreaded=False).to_numpy()

    @property
    def distinct(self) -> int:
        return 1 + int(np.count_nonzero(self._ordered[1:] != self._ordered[:-1]))

    def bucket_count(self, rows: int) -> int:
        """Return the number of buckets for a night of `rows` rows.

        Those for values that the sample does not have are not counted.
        """
        return max(2, min(BUCKETS, rows // MIN_PER_BUCKET))

    def reference(self, rows: int) -> Reference:
        """Buckets by the sample's quantiles, one below its least value and one above its greatest."""
        inner, least = self.bucket_count(rows), self._ordered[0]
        places = [int((len(self._ordered) - 1) * step / inner) for step in range(1, inner + 1)]
        edges = np.unique(self._ordered[places])

        def of(values: Shares) -> Numbers:
            return (_above(edges, values) + (values >= least)).astype(np.int64)

        return _reference(Buckets(len(edges) + 2, of), self._values)

    def known(self, night: Shares) -> int:
        """Return how many of a night's values are within the range of the sample."""
        return int(((night >= self._ordered[0]) & (night <= self._ordered[-1])).sum())


class CategorySample:
    """The categories of a reference sample, at least one, none of them missing."""

    def __init__(self, values: pl.Series) -> None:
        counted = values.alias("category").value_counts(name="n").sort("category")
        self._values, self._known = values, counted["category"]
        self.rows: Numbers = counted["n"].to_numpy().astype(np.int64)
        """The rows of each category."""

    @property
    def distinct(self) -> int:
        return len(self.rows)

    def bucket_count(self, rows: int) -> int:
        """Return the number of buckets for a night of `rows` rows.

        Those for values that the sample does not have are not counted.
        """
        return len(self._frequent(rows))

    def reference(self, rows: int) -> Reference:
        """A bucket for each frequent category, one for the rare ones, and a last one for unseen ones."""
        frequent = self._frequent(rows)
        bucket = np.full(self.distinct + 1, len(frequent), np.int64)
        bucket[frequent], bucket[-1] = np.arange(len(frequent)), len(frequent) + 1

        def of(values: pl.Series) -> Numbers:
            return bucket[columns.places(self._known, values)]

        return _reference(Buckets(len(frequent) + 2, of), self._values)

    def met(self, night: pl.Series) -> Numbers:
        """Return how many of a night's values are of each category of the sample."""
        return np.bincount(columns.places(self._known, night), minlength=self.distinct + 1)[:-1]

    def _frequent(self, rows: int) -> Numbers:
        """The categories with MIN_PER_BUCKET expected rows in such a night, most frequent first."""
        order = np.argsort(-self.rows, kind="stable")
        many = self.rows[order] * rows >= MIN_PER_BUCKET * len(self._values)
        return order[many][:MAX_CATEGORIES]


def _above(edges: Shares, values: Shares) -> NDArray[np.int8]:
    """Return how many of the edges each value is above. For few edges a search takes four times as long."""
    found = np.zeros(len(values), np.int8)
    for edge in edges:
        found += (values > edge).view(np.int8)
    return found


def _reference(buckets: Buckets, values: Any) -> Reference:
    bucket = buckets.of(values)
    return Reference(buckets, bucket, _counts(bucket, buckets.count)[0] / len(bucket))


def _counts(bucket: Numbers, buckets: int, group: Numbers | None = None) -> Numbers:
    """Rows of each bucket, (groups, buckets). group: 0, 1, ... of each row; None: all rows are one group."""
    if group is None:
        return np.bincount(bucket, minlength=buckets).reshape(1, buckets)
    groups, places = int(group.max(initial=-1)) + 1, group * buckets
    places += bucket
    return np.bincount(places, minlength=groups * buckets).reshape(groups, buckets)


def _psi(counts: Numbers, expected: Shares) -> Shares:
    """Return the PSI of each group, (groups,), from its counts, (groups, buckets), of at least one row."""
    found = counts / counts.sum(axis=1, keepdims=True)
    p, q = ((share + SMOOTHING) / (1 + SMOOTHING * len(expected)) for share in (found, expected))
    return ((p - q) * np.log(p / q)).sum(axis=1)
