"""The line that most rows of two columns lie near: it differs little from day to day, also in a storm."""

import numpy as np

from nightjar.core.inputs.former import Matrix

Line = tuple[float, float, float]
"""How far a number rises with another one, the middle distance from that line, and that of most rows."""

NEAR, FAR, TURNS = 0.75, 0.9, 3
"""A line is fitted so many times, to this share of the rows: those that lay nearest to the one before."""


def line(one: Matrix, other: Matrix) -> Line:
    """The rise of the line through most points, the middle distance from it, and that of most points."""
    near, rise, away = np.arange(one.size), 0.0, np.zeros(one.size)
    for _ in range(TURNS):
        middle, expected = one[near].mean(), other[near].mean()
        along = one[near] - middle
        square = float(along @ along)
        rise = float(along @ (other[near] - expected)) / square if square else 0.0
        away = np.abs(other - expected - rise * (one - middle))
        near = np.argpartition(away, most := int(NEAR * (one.size - 1)))[: most + 1]
    away.sort()
    return rise, float(away[away.size // 2]), float(away[int(FAR * (away.size - 1))])
