"""A test whether one version is better than another that may be looked at after every night.

The unit is the night, because rows of a night share their weather. A night's difference is the champion's
mean loss minus the challenger's on the same rows: above 0 the challenger was better. The test bets against
the hypothesis that it is not better. It starts with a capital of 1 and stakes a fraction of it each night. If
the hypothesis is true, the capital is a supermartingale. So the probability that it ever reaches 1 / alpha is
at most alpha, however often somebody looks (Ville's inequality). The capital is the e-value.

Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting, JRSS B 86;
for forecasts compared in sequence Choe and Ramdas (2023), Operations Research, opre.2021.0792.

A bet needs a bound. A difference counts at most WIDTH times the root mean square of the differences before
it, so one night cannot decide. What is tested is the mean of the differences that are cut in this way. No
distribution is assumed and no unit matters. See docs/adr/0053.
"""

import math
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.float64]]

WIDTH = 4.0
"""A night counts at most so many times the usual size of a difference."""
FIRST_BET = 6
"""The first night that is bet on. The nights before it say how large a difference usually is."""
FRACTIONS = np.linspace(0.05, 0.95, 19)
"""The fractions of the capital that are staked. The capital is divided evenly between them."""
HALVINGS = 60


def e_values(differences: Numbers) -> Numbers:
    """The evidence after each night that the mean difference is above 0.

    differences: of the nights, in the order in which they became known.
    """
    return np.exp(np.minimum(_log_capital(differences, 0.0), 700.0))


def confidence_sequence(differences: Numbers, alpha: float) -> tuple[float, float]:
    """Low and high of the mean difference. Each is wrong with a probability of at most alpha, ever.

    low is above 0 exactly if the e-value is above 1 / alpha. Infinite as long as no night was bet on.
    """
    return _low(differences, alpha), -_low(-differences, alpha)


def cut(differences: Numbers) -> Numbers:
    """The differences as they count."""
    bounds = _bounds(differences)
    return np.where(bounds > 0, np.clip(differences, -bounds, bounds), differences)


def _bounds(differences: Numbers) -> Numbers:
    """The largest size that counts, of each night by the nights before it. 0: the night is not bet on."""
    squares = np.concatenate([[0.0], np.cumsum(differences**2)[:-1]])
    before = np.arange(differences.size)
    usual = np.sqrt(squares / np.maximum(before, 1))
    return np.where(before >= FIRST_BET - 1, WIDTH * usual, 0.0)


def _log_capital(differences: Numbers, mean: float) -> Numbers:
    """The logarithm of the capital after each night, of bets that the mean difference is above `mean`."""
    bounds = _bounds(differences)
    bet_on = bounds > 0
    # A stake is at least -1, so nobody loses more than the fraction that was bet.
    won = (np.clip(differences, -bounds, bounds) - mean) / np.where(bet_on, bounds + max(mean, 0.0), 1.0)
    of_each = np.cumsum(np.log1p(np.outer(FRACTIONS, np.where(bet_on, won, 0.0))), axis=1)
    return np.logaddexp.reduce(of_each, axis=0) - math.log(FRACTIONS.size)


def _low(differences: Numbers, alpha: float) -> float:
    """The mean above which bets have won 1 / alpha. Bets on a higher mean have won less, so it is halved."""
    reach, wanted = float(_bounds(differences).max(initial=0.0)), -math.log(alpha)
    if not reach:
        return -math.inf

    def won(mean: float) -> bool:
        return bool(_log_capital(differences, mean)[-1] >= wanted)

    low, high = -reach, reach
    while not won(low):
        low *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if won(middle) else (low, middle)
    return low
