"""A test whether one version is better than another that may be looked at after every night.

The unit is the night, because rows of a night share their weather. A night's difference is the champion's
mean loss minus the challenger's on the same rows: above 0 the challenger was better. The test bets against
the hypothesis that it is not better. It starts with a capital of 1. Each night it wins or loses a stake times
the difference, measured in the usual size of a difference before that night. If the hypothesis is true, the
capital is a supermartingale. So the probability that it ever reaches 1 / alpha is at most alpha, however
often somebody looks (Ville's inequality). The capital is the e-value.

Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting, JRSS B 86;
for forecasts compared in sequence Choe and Ramdas (2023), Operations Research, opre.2021.0792.

A night wins or loses at most MOST of the capital, so one night cannot decide. A difference is cut where it
would win or lose more. Differences that are as likely above 0 as below keep alpha exactly. Others keep it as
far as such large ones are rare: with the smallest stake they are 47 times the usual size. See docs/adr/0053.
"""

import math
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

MOST = 0.95
"""The share of the capital that a night wins or loses at most."""
STAKES = np.geomspace(0.02, 0.2, 12)
"""The share that a difference of the usual size wins or loses. The capital is divided evenly between them.

Larger stakes find a large gain sooner. On skewed nights they are cut so often that alpha does not hold.
"""
FIRST_BET = 6
"""The first night that is bet on. The nights before it say how large a difference usually is."""
HALVINGS = 60
GREATEST = 700.0
"""The logarithm of the greatest e-value that is told."""


def e_values(differences: Numbers, counts: Flags | None = None) -> Numbers:
    """The evidence after each night that the mean difference is above 0.

    differences: of the nights, in the order in which they became known. counts: the nights that are bet on.
    The others only say how large a difference usually is. None: all count.
    """
    return np.exp(np.minimum(_log_capital(differences, 0.0, counts), GREATEST))


def confidence_sequence(
    differences: Numbers, alpha: float, counts: Flags | None = None
) -> tuple[float, float]:
    """Low and high of the mean difference. Each is wrong with a probability of at most alpha, ever.

    low is above 0 exactly if the e-value is above 1 / alpha. Infinite as long as no night was bet on.
    """
    return _low(differences, alpha, counts), -_low(-differences, alpha, counts)


def _usual(differences: Numbers, counts: Flags | None) -> Numbers:
    """The usual size of a difference, for each night by the nights before it. 0: the night is not bet on."""
    squares = np.concatenate([[0.0], np.cumsum(differences**2)[:-1]])
    before = np.arange(differences.size)
    bet_on = (before >= FIRST_BET - 1) & (True if counts is None else counts)
    return np.where(bet_on, np.sqrt(squares / np.maximum(before, 1)), 0.0)


def _log_capital(differences: Numbers, mean: float, counts: Flags | None) -> Numbers:
    """The logarithm of the capital after each night, of bets that the mean difference is above `mean`."""
    usual = _usual(differences, counts)
    sizes = np.divide(differences - mean, usual, out=np.zeros_like(usual), where=usual > 0)
    won = np.clip(np.outer(STAKES, sizes), -MOST, MOST)
    return np.logaddexp.reduce(np.cumsum(np.log1p(won), axis=1), axis=0) - math.log(STAKES.size)


def _low(differences: Numbers, alpha: float, counts: Flags | None) -> float:
    """The mean up to which bets have won 1 / alpha. Bets on a higher mean have won less, so it is halved."""
    usual = _usual(differences, counts)
    reach, wanted = float(usual.max(initial=0.0)), -math.log(alpha)
    nights = np.count_nonzero(usual)
    if nights * math.log1p(MOST) <= wanted:
        return -math.inf

    def won(mean: float) -> bool:
        return bool(_log_capital(differences, mean, counts)[-1] >= wanted)

    low, high = -reach, float(np.abs(differences).max())
    while not won(low):
        low *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if won(middle) else (low, middle)
    return low
