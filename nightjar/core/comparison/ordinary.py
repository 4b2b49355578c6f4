"""Past nights show what is ordinary, if there are enough nights and enough values."""

import math

import numpy as np
from numpy.typing import NDArray

MIN_NIGHTS = 3
"""Fewer past nights prove nothing.

With two nights there is only one distance, so no night can be further away than the other.
"""

MIN_VALUES = 30
"""Fewer values of a night prove nothing about a distribution.

By chance alone (at 0.1%) the Kolmogorov-Smirnov distance of n values reaches 1.95 / sqrt(n) (Smirnov 1948).
For 30 values that is 0.36. This is as much as `AuditLimits.max_input_shift` allows.
"""

MIN_DISTINCT = 3
"""A column with at least this many different values in every past night never has one value by chance.

A flag, which has two values, can.
"""

ROUNDING = 1e-9
"""Two sums of the same shares differ by less than this."""


def furthest(distances: NDArray[np.float64], quantile: float = 1.0) -> float | None:
    """Return the given quantile of the past nights' distances, or None for fewer than MIN_NIGHTS nights.

    distances: how far each past night is from the others together, one value a night.
    """
    if len(distances) < MIN_NIGHTS:
        return None
    return float(np.sort(distances)[math.ceil(quantile * (len(distances) - 1))]) + ROUNDING


def turned_constant(distinct: int, least_distinct: int) -> bool:
    """True if a column has one value now and had several in every past night.

    least_distinct: the number of different values in the past night with the fewest.
    """
    return distinct == 1 and least_distinct >= MIN_DISTINCT
