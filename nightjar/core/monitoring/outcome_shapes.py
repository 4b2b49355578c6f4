"""Do the numbers that describe a column belong together as on comparable days?

A week of storms has few early flights, and a quiet one has many: no share of them is odd by itself. But
beside the quantiles, the mean and the zeros of the same week it may be. Early flights that count as punctual
leave a quiet week without any.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PULL = 0.3
"""Ridge penalty, as a share of the days: there are about as many days as numbers."""
LEAST = 0.05
"""A distance below this is none: numbers are rounded, and rows are few."""
FURTHEST = 2.0
"""The furthest of the days before counts as so many root mean squares at least."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """The number that fits worst to the others.

    place: which one. expected: what the others let expect. distance: how far it lies from that, as a multiple
    of the furthest of the days before.
    """

    place: int
    expected: float
    distance: float


def misfit(now: Sequence[float], past: Sequence[Sequence[float]]) -> Misfit | None:
    """Expect each number of a day from its others, as they went together on the days before.

    now: the numbers of the day. past: those of other days, a row a day. A number that was the same on most
    days says nothing. Each day before is itself expected from the others without it (leave-one-out residuals
    of a ridge regression: Hoerl and Kennard 1970; Allen 1974). None if fewer than three numbers say anything.
    """
    known = np.array(past)
    places = [place for place, of in enumerate(known.T) if np.unique(of).size > len(of) / 2]
    if len(places) < 3:
        return None
    mean, spread = known[:, places].mean(axis=0), known[:, places].std(axis=0)
    before, today = (known[:, places] - mean) / spread, (np.array(now)[places] - mean) / spread
    found = [_expected(before, today, place) for place in range(len(places))]
    distances = [
        abs(today[n] - expected) / (usual + LEAST / spread[n]) for n, (expected, usual) in enumerate(found)
    ]
    worst = int(np.argmax(distances))
    expected = found[worst][0] * spread[worst] + mean[worst]
    return Misfit(places[worst], float(expected), float(distances[worst]))


def _expected(before: np.ndarray, today: np.ndarray, place: int) -> tuple[float, float]:
    """What the others let expect of a number, and how far it may usually lie from that. All standardised."""
    others, own = np.delete(before, place, axis=1), before[:, place]
    inverse = np.linalg.inv(others.T @ others + PULL * len(others) * np.eye(others.shape[1]))
    weights, asked = inverse @ others.T @ own, np.delete(today, place)
    pulls = np.einsum("ij,jk,ik->i", others, inverse, others)
    away = (own - others @ weights) / (1 - pulls)
    furthest = max(np.abs(away).max(), FURTHEST * np.sqrt((away**2).mean()))
    return float(asked @ weights), float(furthest * np.sqrt(1 + asked @ inverse @ asked))
