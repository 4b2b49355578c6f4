"""What the numbers of a gauge are made of: the steps that its decimals show, and values between two others.

A gauge has steps, and they have the same decimals in summer and in winter: in other units, rounded, or full
of noise they have others. A value that somebody made up lies exactly between those around it.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nightjar.core.inputs.former import SOME, VARIED, Matrix, Told, distinct
from nightjar.core.inputs.series import Days

MOSTLY = 0.5
"""A column with one value in more rows, such as rain, has no range."""
STEPS = 100
"""Decimals are told apart to so many parts of one."""
TEN = 10
SHORTER = 0.5
"""A column goes around if the squares of its steps add up to less than this share of those on the line."""
EXACT = 0.011
"""How far twice a value may lie from the sum of two others, each rounded to two decimals."""
MOST_EXACT = 2**53
"""Of larger numbers a float does not hold every whole one."""


def has_range(values: Matrix) -> bool:
    """True for a column without a value that most rows have."""
    _, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return counts.size > 1 and counts.max() / counts.sum() < MOSTLY


def around(days: Days) -> Matrix:
    """The length of each column that goes around, as the wind goes from 350 degrees to 10; else infinite.

    Its steps from one instant to the next are much shorter around the circle than along the line.
    """
    found = np.full(days.shape[-1], np.inf)
    for place in range(days.shape[-1]):
        past = days[1:, ..., place]
        values = np.unique(past[~np.isnan(past)])
        if values.size >= VARIED and has_range(past):
            steps = np.abs(np.diff(past, axis=-1))
            length = values[-1] - values[0] + np.diff(values).min()
            shorter = np.minimum(steps, length - steps)
            if np.nansum(shorter**2) < SHORTER * np.nansum(steps**2):
                found[place] = length
    return found


def decimals(
    now: Matrix, past: Matrix, names: Sequence[str], parts: Mapping[str, NDArray[np.bool_]]
) -> Iterator[Told]:
    """`decimals`: the share of a column's values whose decimals the days before had, whole and by slice.

    `other_decimals`: the share of the values that have other decimals than as many of the days before. 0 says
    nothing. now, past: rows of the newest day and of those before. parts: slice -> its rows of the day.
    """
    for name, values, before in zip(names, now.T, past.T, strict=True):
        usual = _shares(before[~np.isnan(before) & (before != 0)])
        there = ~np.isnan(values) & (values != 0)
        for part, rows in parts.items():
            asked = values[there & rows]
            if asked.size >= VARIED and usual.any():
                found = _shares(asked)
                yield "decimals", name, part, float(found[usual > 0].sum())
                if np.unique(asked).size >= VARIED:  # few values have few decimals, whatever the gauge
                    yield "other_decimals", name, part, float(np.abs(found - usual).sum() / 2)


def _shares(values: Matrix) -> Matrix:
    """The share of the values with each decimals."""
    places = np.round(np.mod(values, 1.0) * STEPS).astype(np.int64) % STEPS
    return np.bincount(places, minlength=STEPS) / max(values.size, 1)


def digits(now: Matrix, past: Matrix, names: Sequence[str]) -> Iterator[Told]:
    """`digits`: the share of the values that end in another digit than as many of those before, of columns of
    many different whole numbers. Values that were rounded to 5 or 2 end in few digits.
    """
    for name, values, before in zip(names, now.T, past.T, strict=True):
        known, then = values[~np.isnan(values)], before[~np.isnan(before)]
        whole = not (np.mod(then, 1).any() or np.mod(known, 1).any())
        different = min(distinct(known), distinct(then))
        if whole and min(known.size, then.size) >= SOME and different >= VARIED:
            yield "digits", name, "", float(np.abs(_ends(known) - _ends(then)).sum() / 2)


def off_steps(now: Matrix, past: Matrix, names: Sequence[str]) -> Iterator[Told]:
    """`off_steps`: the share of the values that are no multiples of the step of the days before.

    Of columns of whole numbers. The step is the greatest number of which all values before are multiples; 1
    says nothing.
    """
    for name, values, before in zip(names, now.T, past.T, strict=True):
        known, then = values[~np.isnan(values)], before[~np.isnan(before)]
        whole = not np.mod(then, 1).any() and np.abs(then).max(initial=0) < MOST_EXACT
        if known.size >= VARIED and distinct(then) >= VARIED and whole:
            step = float(np.gcd.reduce(then.astype(np.int64)))
            if step > 1:
                yield "off_steps", name, "", float((np.mod(known, step) != 0).mean())


def _ends(values: Matrix) -> Matrix:
    """The share of the values with each last digit."""
    return np.bincount((np.abs(values) % TEN).astype(np.int64), minlength=TEN) / values.size


def between(days: Days, keys: Sequence[str], names: Sequence[str]) -> Iterator[Told]:
    """`between`: the share of the values that are the mean of the one before and the one after, and neither
    of them. Whole and by key, of columns that have a range.
    """
    before, value, after = days[0, :, :-2], days[0, :, 1:-1], days[0, :, 2:]
    known = ~np.isnan(before + value + after)
    exact = known & (np.abs(2 * value - before - after) <= EXACT) & (np.abs(after - before) > EXACT)
    ranged = [place for place in range(len(names)) if has_range(days[1:, ..., place])]
    for place in ranged:
        for part, of in [("", slice(None)), *((key, slice(n, n + 1)) for n, key in enumerate(keys))]:
            if (count := int(known[of, :, place].sum())) >= VARIED:
                yield "between", names[place], part, float(exact[of, :, place].sum() / count)
