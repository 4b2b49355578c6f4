"""Inputs that lie far beyond all that the version was trained on, as a code for "not measured" does.

The days before may say nothing: in dry weeks all rain is 0, and no value is near or far. The training set
has seen rain.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from nightjar.core.comparison import columns
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.former import matrix
from nightjar.core.inputs.shapes import FIFTH
from nightjar.core.wording import number, two_lines

Ranges = Mapping[str, tuple[float, float]]
"""Input -> its least and its greatest value in the rows that a version was trained on."""

BEYOND = 10.0
"""How many widths of the range an input may lie beyond it.

On January to June no column lies more than 2.4 widths beyond what the quarter before it had.
"""
ONE_IN = 20
"""One value in so many, and at most FIFTH values, may lie anywhere."""


def ranges_of(rows: pl.DataFrame, names: Sequence[str]) -> Ranges:
    """The ranges of number columns of training rows. A column without a value has none, nor has one that was
    no number when the version was trained.
    """
    known = [column for column in rows if column.name in names and columns.holds_numbers(column.dtype)]
    finite = ((column.name, columns.finite(column)) for column in known)
    return {name: (float(values.min()), float(values.max())) for name, values in finite if values.size}


def beyond_training(rows: pl.DataFrame, trained: Ranges) -> Iterator[Finding]:
    """rows: of the night, with their inputs."""
    names = [name for name in trained if name in rows.columns]
    for name, values in zip(names, np.sort(matrix(rows, names), axis=0).T, strict=True):
        known = values[~np.isnan(values)]
        least, greatest = trained[name]
        if not known.size or least == greatest:
            continue
        far, reach = min(FIFTH, 1 + known.size // ONE_IN), BEYOND * (greatest - least)
        low, high = float(known[far - 1]), float(known[-far])
        if low < least - reach:
            yield _found(name, low, least, least - reach, trained[name])
        if high > greatest + reach:
            yield _found(name, high, greatest, greatest + reach, trained[name])


def _found(name: str, value: float, end: float, limit: float, trained: tuple[float, float]) -> Finding:
    least, greatest = map(number, trained)
    return Finding(
        name="range",
        column=name,
        number=value,
        expected=end,
        limit=limit,
        sentence=two_lines(
            f"Values of {name} lie far beyond all that the version was trained on",
            f"Value: {number(value)}. In training: {least} to {greatest}. Limit: {number(limit)}",
        ),
    )
