"""How uncertain a comparison of two predictors on the same nights is: the stationary bootstrap over nights.

The rows of a night share their weather, and neighbouring nights resemble one another. So blocks of nights are
drawn, of random length, and always the same nights for both predictors (Politis and Romano 1994, The
Stationary Bootstrap, JASA 89). The quotient of the losses has no unit, and its standard error comes from the
draws. With few nights the percentiles of a bootstrap are too narrow, so bounds use the t distribution with as
many degrees of freedom as there are blocks, less one. On nights whose differences are heavy-tailed a bound
then fails in 4.7 to 5.1% of the cases at a nominal 5%, and in 6.5 to 6.8% where neighbours correlate by 0.2
(`benchmarks/gates.py noise`).
"""

from functools import cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from nightjar.core.kinds.estimates import LEAST_NIGHTS, Estimate

DRAWS = 2_000
SEED = 20_130_101
LEAST_DEGREES = 2.0

Counts = NDArray[np.float64]
"""(draws, nights): how often a night is in a draw."""
Sums = NDArray[np.float64]
"""Sums of loss by night."""


def quotient(own: Sums, other: Sums) -> Estimate | None:
    """The loss of a predictor over that of another on the same rows of the same nights, oldest first.

    None if it is not defined: the other has no loss at all.
    """
    nights = own.size
    total = float(other.sum())
    if not nights or not total:
        return None
    value = float(own.sum()) / total
    if nights < LEAST_NIGHTS:
        return Estimate(value=value, nights=nights)
    drawn = drawn_quotients(own, other)
    if drawn is None:
        return Estimate(value=value, nights=nights)
    error = float(np.std(drawn)) * sqrt(nights / (nights - 1))
    return Estimate(value=value, nights=nights, error=error, degrees=degrees_of(nights))


def drawn_quotients(own: Sums, other: Sums) -> Sums | None:
    """The quotient in each draw of nights. None if the other has no loss at all in one of them."""
    drawn = draws(own.size)
    below = drawn @ other
    return drawn @ own / below if (below > 0).all() else None


def degrees_of(nights: int) -> float:
    """Degrees of freedom of an error that was found on so many nights."""
    return max(nights / block(nights) - 1, LEAST_DEGREES)


def block(nights: int) -> float:
    """Mean number of nights in a block: it grows with the cube root of all (Politis and Romano)."""
    return nights ** (1 / 3)


@cache
def draws(nights: int) -> Counts:
    """The same draws for the same number of nights, so that a comparison always comes out alike.

    A block starts on any night, goes on over the end to the beginning, and ends with the same probability
    after each of its nights.
    """
    random = np.random.default_rng(SEED)
    starts = random.integers(nights, size=(DRAWS, nights))
    ends = random.random((DRAWS, nights)) < 1 / block(nights)
    chosen = np.empty((DRAWS, nights), dtype=np.int64)
    chosen[:, 0] = starts[:, 0]
    for place in range(1, nights):
        following = (chosen[:, place - 1] + 1) % nights
        chosen[:, place] = np.where(ends[:, place], starts[:, place], following)
    counts = np.zeros((DRAWS, nights))
    np.add.at(counts, (np.arange(DRAWS)[:, None], chosen), 1)
    return counts
