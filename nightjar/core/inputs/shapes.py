"""Readings of the values of one column by themselves: their level, and shares of odd ones among them."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison.entities import SCORE
from nightjar.core.inputs.former import SOME, VARIED, Matrix, Told, matrix

ONLY = "only"
DECIMALS = 2
"""Values of a sensor and amounts of money have at most so many decimals. Quotients have more."""

Shapes = Mapping[str, Callable[[Matrix], float]]
"""Reading -> how it is made of the values of a column: in order, without the missing ones, at least one."""


def quantile(ordered: Matrix, share: float) -> float:
    """The nearest value, as Polars has it."""
    return float(ordered[int(share * (ordered.size - 1) + 0.5)])


def median(ordered: Matrix) -> float:
    low, high = ordered[(ordered.size - 1) // 2], ordered[ordered.size // 2]
    return float(low + (high - low) * 0.5)


def magnitude(values: Matrix) -> float:
    return median(np.sort(np.abs(values)))


def short(values: Matrix) -> float:
    return (values == np.round(values, DECIMALS)).mean()


def repeated(ordered: Matrix) -> float:
    """The share of the value that most rows have."""
    return np.diff(np.append(_starts(ordered), ordered.size)).max() / ordered.size


def whole(ordered: Matrix) -> float:
    """The share of whole numbers among the different values.

    Not among the rows: a gauge that is at its end for hours, as humidity is in fog, is no less precise.
    """
    different = ordered[_starts(ordered)]
    return (different == np.round(different)).mean()


def _starts(ordered: Matrix) -> NDArray[np.int64]:
    """The first place of each different value."""
    return np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))


SHAPE: Shapes = {
    "zero_share": lambda values: (values == 0).mean(),
    "negative_share": lambda values: (values < 0).mean(),
    "whole_values": whole,
    "repeated_share": repeated,
    "low": lambda values: quantile(values, 0.05),
    "middle": median,
    "high": lambda values: quantile(values, 0.95),
}
"""Of a column of many values; of scores too."""
MANY: Shapes = {
    "top_share": lambda values: (values == values[-1]).mean(),
    "bottom_share": lambda values: (values == values[0]).mean(),
    "short_share": short,
    "magnitude": magnitude,
}
"""Of an input of many values, too."""
OF_FEW: Shapes = {
    "few_central": median,
    "few_magnitude": magnitude,
    "few_short_share": short,
    "few_zero_share": lambda values: (values == 0).mean(),
}
"""Of an input of few different values, such as the weather of three airports."""
FIFTH = 5
LEAST_OF_ENDS = 100
"""Of fewer values the fifth one is no end."""
ENDS: Shapes = {
    "least": lambda values: values[0],
    "lowest": lambda values: values[FIFTH - 1],
    "highest": lambda values: values[-FIFTH],
    "greatest": lambda values: values[-1],
}
"""Of an input of so many values that its ends are where they usually are."""


def of_values(rows: pl.DataFrame, names: Sequence[str]) -> Iterator[Told]:
    """What the values of number columns are like. rows: a row a key.

    `missing_share`: of a column of many values. `only`: the value of a column that has one in the whole
    night, such as the weekday.
    """
    every = np.sort(matrix(rows, names), axis=0)  # NaN comes last
    known = (~np.isnan(every)).sum(axis=0)
    for name, column, count in zip(names, every.T, known, strict=True):
        values = column[:count]
        different = _starts(values).size if count else 0
        for reading, made in _wanted(name, different, count).items():
            yield reading, name, "", float(made(values))
        if name != SCORE and different >= VARIED:
            yield "missing_share", name, "", float((rows.height - count) / rows.height)
        if name != SCORE and different == 1 and count == rows.height:
            yield ONLY, name, "", float(values[0])


def of_codes(rows: pl.DataFrame, names: Sequence[str]) -> Iterator[Told]:
    """`code_share`: the share of a code's most frequent value (`former.codes`). rows: a row a key."""
    for name, column in zip(names, matrix(rows, names).T, strict=True):
        values = np.sort(column[~np.isnan(column)])
        if values.size >= SOME and _starts(values).size < VARIED:
            yield "code_share", name, "", float(repeated(values))


def _wanted(name: str, distinct: int, count: int) -> Shapes:
    many = distinct >= VARIED
    if name == SCORE:
        return SHAPE if many else {}
    if not many:
        return OF_FEW if distinct else {}
    return {**SHAPE, **MANY, **(ENDS if count >= LEAST_OF_ENDS else {})}
