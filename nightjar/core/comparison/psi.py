"""PSI (population stability index): how far the rows of a night are from the rows of a reference sample.

It is the sum of (night share - reference share) * ln(night share / reference share) over buckets that the
reference fixes. With few rows it is above 0 even without drift. It is then about (1/n + 1/m) times a
chi-square variable with buckets - 1 degrees of freedom (Yurdakul and Naranjo 2020, Statistical properties of
the population stability index, Journal of Risk Model Validation 14(4)). `chance` is the upper quantile of
that noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

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
    of: Callable[[pl.Series], pl.Series]


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference sample in buckets: each value's `bucket`, and the `expected` share of each bucket.

    The frame of shares has the columns `bucket` and `expected`.
    """

    buckets: Buckets
    bucket: pl.Series
    expected: pl.DataFrame

    def psi(self, values: pl.Series) -> float:
        """PSI of a night's values, which are not null."""
        return float(_psi(_counts(self.buckets.of(values)), self.expected)["psi"].item())

    def psi_a_date(self, dates: pl.Series) -> pl.DataFrame:
        """`psi` and `rows` of the reference's own values, one row a date. dates: the date of each value."""
        return _psi(_counts(self.bucket, dates), self.expected)

    def chance(self, rows: int, probability: float) -> float:
        """The PSI that a night of `rows` rows without drift exceeds by chance with this probability."""
        freedom = max(int((self.expected["expected"] > 0).sum()) - 1, 1)
        from scipy.special import chdtri  # noqa: PLC0415  # it takes a tenth of a second to import

        return (1 / rows + 1 / self.bucket.len()) * float(chdtri(freedom, probability))


def bucket_count(values: pl.Series, rows: int, *, text: bool) -> int:
    """Return the number of buckets for a night of `rows` rows.

    Buckets for values that the reference does not have are not counted.
    """
    return _frequent(values, rows).len() if text else _quantiles(rows)


def reference_of(values: pl.Series, rows: int, *, text: bool) -> Reference:
    """Put a reference's values (at least one, no nulls) into buckets for a night of `rows` rows."""
    buckets = (_category_buckets if text else _quantile_buckets)(values, rows)
    bucket = buckets.of(values)
    return Reference(
        buckets, bucket, _shares(_counts(bucket), buckets.count).select("bucket", expected="share")
    )


def _quantile_buckets(reference: pl.Series, rows: int) -> Buckets:
    """Make buckets from the reference's quantiles, one below its least value and one above its greatest."""
    inner = _quantiles(rows)
    edges = (
        pl.Series(
            [reference.quantile(step / inner, "lower") for step in range(1, inner + 1)], dtype=pl.Float64
        )
        .unique()
        .sort()
    )
    least = reference.min()

    def of(values: pl.Series) -> pl.Series:
        above = edges.search_sorted(values, side="left").cast(pl.Int64) + 1
        return above.zip_with(values >= least, pl.zeros(values.len(), dtype=pl.Int64, eager=True))

    return Buckets(edges.len() + 2, of)


def _quantiles(rows: int) -> int:
    return max(2, min(BUCKETS, rows // MIN_PER_BUCKET))


def _category_buckets(reference: pl.Series, rows: int) -> Buckets:
    """Make a bucket for each frequent category, one for the rare ones, and a last one for unseen ones."""
    frequent = _frequent(reference, rows)
    known = pl.concat([frequent, reference.filter(~reference.is_in(frequent.implode())).unique()])
    numbers = pl.int_range(known.len(), dtype=pl.Int64, eager=True).clip(upper_bound=frequent.len())

    def of(values: pl.Series) -> pl.Series:
        return values.replace_strict(known, numbers, default=frequent.len() + 1, return_dtype=pl.Int64)

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


def _counts(bucket: pl.Series, group: pl.Series | None = None) -> pl.DataFrame:
    labels = pl.zeros(bucket.len(), dtype=pl.Int8, eager=True) if group is None else group
    return (
        pl.DataFrame({"group": labels, "bucket": bucket})
        .group_by("group", "bucket")
        .agg(n=pl.len().cast(pl.Int64))
    )


def _shares(counts: pl.DataFrame, buckets: int) -> pl.DataFrame:
    """Return one row per group and bucket, empty buckets included.

    Columns: the `share` of the group's rows, and the group's `rows`.
    """
    numbers = pl.DataFrame({"bucket": pl.int_range(buckets, dtype=pl.Int64, eager=True)})
    every = counts.select("group").unique().join(numbers, how="cross")
    filled = every.join(counts, on=["group", "bucket"], how="left").with_columns(pl.col("n").fill_null(0))
    rows = pl.col("n").sum().over("group")
    return filled.select("group", "bucket", share=pl.col("n") / rows, rows=rows)


def _psi(counts: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """Return the PSI of each group against the expected shares, and the group's rows, sorted by group."""
    both = _shares(counts, expected.height).join(expected, on="bucket").sort("group", "bucket")
    p, q = ((pl.col(name) + SMOOTHING) / (1 + SMOOTHING * expected.height) for name in ("share", "expected"))
    return both.group_by("group", maintain_order=True).agg(
        psi=((p - q) * (p / q).log()).sum(), rows=pl.col("rows").first()
    )
