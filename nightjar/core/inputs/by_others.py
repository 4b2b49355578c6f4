"""What the other columns of a feed let expect of a column.

Temperature, dew point and humidity belong together: two of them say the third one. A column that is shifted,
in other units, one row late, or full of noise keeps its own range and breaks this.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nightjar.core.inputs.former import VARIED, Matrix, Told

PULL = 1e-4
"""Ridge penalty, as a share of the variance of a term."""
WIDEST = 4.0
"""A number further from its mean than so many standard deviations counts as that far."""
ROWS_A_TERM = 10
"""With fewer rows for each product of two columns, the columns count alone."""
MOST_PAST = 2_000
MOST = 0.75
"""So many of the values lie nearer than what is told."""
TOLD = 0.4
"""Of a column that is expected less exactly than this, in standard deviations, nothing is said."""
LEAST = 1e-3
"""Distances are hardly told apart below this share of a standard deviation: values are rounded."""


def by_others(
    now: Matrix, past: Matrix, names: Sequence[str], parts: Mapping[str, NDArray[np.bool_]]
) -> Iterator[Told]:
    """`by_others`: the distance of most of a column's values from what the other columns let expect of them.

    now, past: rows of the day and of the days before; NaN: missing. names: the columns, which vary. parts:
    slice -> its rows of the day. Expected is a sum of the other columns, their squares and their products,
    fitted to the past. The distance is a multiple of that of the past, and of the error that is to be
    expected for such a row: one that is unlike all rows of the past says little.
    """
    past = past[:: max(1, len(past) // MOST_PAST)]
    mean, spread = np.nanmean(past, axis=0), np.nanstd(past, axis=0)
    today, before = ((each - mean) / np.where(spread > 0, spread, 1.0) for each in (now, past))
    for place, name in enumerate(names):
        others = np.delete(np.arange(len(names)), place)
        known, then = ~np.isnan(today[:, place]), ~np.isnan(before[:, place])
        if then.sum() >= ROWS_A_TERM * len(names) and others.size:
            terms = _terms(before[then][:, others], int(then.sum()))
            usual, away = _away(
                terms, before[then, place], _terms(today[:, others], int(then.sum())), today[:, place]
            )
            if usual > TOLD:
                continue
            yield from (
                ("by_others", name, part, float(np.quantile(away[known & rows], MOST)))
                for part, rows in parts.items()
                if (known & rows).sum() >= VARIED
            )


def _terms(values: Matrix, fitted: int) -> Matrix:
    """1, the columns and, if the fitted rows are enough, the product of each two of them."""
    columns = np.nan_to_num(np.clip(values, -WIDEST, WIDEST))
    one, other = np.triu_indices(columns.shape[1])
    alone = np.column_stack([np.ones(len(columns)), columns])
    if fitted < ROWS_A_TERM * (alone.shape[1] + one.size):
        return alone
    return np.column_stack([alone, columns[:, one] * columns[:, other]])


def _away(terms: Matrix, values: Matrix, today: Matrix, asked: Matrix) -> tuple[float, Matrix]:
    """How far most values of the past are from the expected ones, and how many times as far each asked one.

    terms, values: what is fitted. today, asked: what is expected for, and is compared.
    """
    inverse = np.linalg.inv(terms.T @ terms + PULL * len(terms) * np.eye(terms.shape[1]))
    weights = inverse @ (terms.T @ values)
    usual = max(float(np.quantile(np.abs(values - terms @ weights), MOST)), LEAST)
    pull, typical = (((each @ inverse) * each).sum(axis=1) for each in (today, terms))
    far = np.maximum(pull / np.median(typical), 1.0)
    return usual, np.abs(asked - today @ weights) / np.sqrt(far) / usual
