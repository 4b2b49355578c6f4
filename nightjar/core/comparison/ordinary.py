"""What past nights prove to be ordinary, and from how many nights and values on they prove anything."""

import polars as pl

MIN_NIGHTS = 3
"""Fewer past nights prove nothing.

The furthest of two nights is as far from the other as the other is from it.
"""

MIN_VALUES = 30
"""Fewer values of a night prove nothing about a distribution.

By chance alone (at 0.1%) the Kolmogorov-Smirnov distance of n values reaches 1.95 / sqrt(n) (Smirnov 1948).
For 30 values that is 0.36: as much as `AuditLimits.max_input_shift` allows.
"""

MIN_DISTINCT = 3
"""A column that had at least so many different values in every past night does not have one by chance.

A flag does.
"""

ROUNDING = 1e-9
"""Two sums of the same shares differ by less than this."""


def furthest(distances: pl.Series, quantile: float = 1.0) -> float | None:
    """The distance that past nights reach: the given quantile of theirs.

    None if they are fewer than MIN_NIGHTS.
    distances: how far each past night is from the others together, one value a night.
    """
    reached = distances.quantile(quantile, "higher")
    return None if distances.len() < MIN_NIGHTS or reached is None else reached + ROUNDING


def turned_constant(distinct: int, least_distinct: int) -> bool:
    """True if a column has one value now and had several in the past.

    least_distinct: different values of the past night with the fewest.
    """
    return distinct == 1 and least_distinct >= MIN_DISTINCT
