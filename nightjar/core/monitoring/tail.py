"""How rare a distance is among the past ones, and which of many columns are told at a stated rate.

The past distances above their median are taken as exponential. The next one above it, as a multiple of their
mean, then has an F(2, 2k) distribution, k being their number: it is above x with the probability
(1 + x / k)^-k. More than POWER past distances do not make the tail shorter, because real distances have
longer tails than exponential ones. Source: the predictive
distribution of exponential samples (Aitchison and Dunsmore 1975, Statistical Prediction Analysis, 3.3).

The family is controlled as by Benjamini and Hochberg (1995, JRSS B 57(1)), every night at the same rate. If
no column has drifted, at most this share of the nights tells any. Procedures for a stream of tests (LOND,
SAFFRON) spend their rate over all nights together, so that after a year a drift would have to be ever rarer
to be told (docs/adr/0063).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

POWER = 10
POWER_OF_FEW = 4
"""For columns of few entities, such as the weather of three airports: one front moves all their rows."""
LEAST_PAST = 42
"""Fewer past distances say nothing: six weeks of a daily schedule.

With 10 to 41 of them 8 of 46 real nights had an alarm: a front, or the second Monday of all, was rare.
"""
SPOILT = 0.05
"""This share of the greatest past distances is left out: a broken night may be among them."""


@dataclass(frozen=True, slots=True)
class Tail:
    """usual: the median of the past distances. excess: how far those above it lie above it, on average."""

    usual: float
    excess: float
    power: int

    def probability(self, distance: float) -> float:
        """How often an ordinary night reaches this distance."""
        over = max(0.0, distance - self.usual)
        return 0.5 * (1 + over / (self.power * self.excess)) ** -self.power

    def limit(self, probability: float) -> float:
        """The distance that ordinary nights reach with this probability, at most 0.5."""
        return self.usual + self.power * self.excess * ((0.5 / probability) ** (1 / self.power) - 1)

    def wider(self, times: float) -> "Tail":
        """The tail of nights that lie so many times as far above the usual distance."""
        return replace(self, excess=self.excess * times)


def tail_of(past: NDArray[np.float64], noise: float, power: int = POWER) -> Tail | None:
    """Return the tail of some past distances; None for fewer than LEAST_PAST. NaN is left out.

    noise: the least mean excess.
    """
    known = np.sort(past[np.isfinite(past)])
    if known.size < LEAST_PAST:
        return None
    usual = float(np.median(known))
    above = known[known.size - known.size // 2 :] - usual
    kept = above.size - math.ceil(SPOILT * above.size)
    excess = float(above[:kept].mean()) / _share_of_mean(kept / above.size)
    return Tail(usual, max(excess, noise), power)


def _share_of_mean(kept: float) -> float:
    """The mean of an exponential sample without its greatest values, as a share of the mean of all of it."""
    return 1 + (1 - kept) / kept * math.log(1 - kept)


def told(probabilities: Mapping[str, float], rate: float) -> tuple[frozenset[str], float]:
    """Return the columns that are told, and the probability at or below which a column is told."""
    ordered = sorted(probabilities.items(), key=lambda each: each[1])
    steps = [rate * (place + 1) / len(ordered) for place in range(len(ordered))]
    count = max((n + 1 for n, (_, p) in enumerate(ordered) if p <= steps[n]), default=0)
    return frozenset(name for name, _ in ordered[:count]), steps[max(count, 1) - 1] if steps else rate
