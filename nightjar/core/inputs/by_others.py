"""What the other columns let expect of a column.

Temperature, dew point and humidity belong together: two of them say the third one. So do the times of a
flight and its distance. A column that is shifted, in other units, one row late, or full of noise keeps its
own range and breaks this, for all rows or for those of one carrier.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison import columns
from nightjar.core.inputs.former import SOME, VARIED, Matrix, Told, distinct, matrix

PULL = 1e-4
"""Ridge penalty, as a share of the variance of a term."""
WIDEST = 4.0
"""A number further from its mean than so many standard deviations counts as that far."""
ROWS_A_TERM = 10
"""With fewer rows for each product of two columns, the columns count alone."""
MOST_PAST = 1_500
"""So many rows of the past are fitted."""
MOST = 0.75
"""So many of the values lie nearer than what is told."""
TOLD = 0.4
"""Of a column that is expected less exactly than this, in standard deviations, nothing is said."""
LEAST = 0.03
"""Distances below this share of a standard deviation are no distances.

Values are rounded, and a count that is the product of two others is not quite a sum of products on a day with
a third of the rows."""


def by_others(
    now: Matrix,
    past: Matrix,
    names: Sequence[str],
    parts: Mapping[str, NDArray[np.bool_]],
    said: tuple[Sequence[Matrix], Sequence[Matrix]] = ((), ()),
) -> Iterator[Told]:
    """`by_others`: the distance of most of a column's values from what the other columns let expect of them.

    now, past: rows of the night and of those before; NaN: missing. names: the columns, which vary. parts:
    slice -> its rows of the night. said: of both, what categories say of each column, a matrix a category.
    Expected is a sum of the other columns, their squares and products, fitted to the past. The distance
    is a multiple of that of the past, at least 1, and of the error that is to be expected for such a row: one
    that is unlike all rows of the past says little.
    """
    mean, spread = np.nanmean(past, axis=0), np.nanstd(past, axis=0)
    frames = ((now, said[0]), (past[(few := _few(past))], [each[few] for each in said[1]]))
    (today, of_today), (before, of_before) = (
        (_scaled(values, mean, spread), [_scaled(each, mean, spread) for each in others])
        for values, others in frames
    )
    for place, name in enumerate(names):
        known, then = ~np.isnan(today[:, place]), ~np.isnan(before[:, place])
        others = np.delete(np.arange(len(names)), place)
        terms = len(others) + len(said[0]) + 1
        if terms == 1 or then.sum() < ROWS_A_TERM * terms:
            continue
        products = then.sum() >= ROWS_A_TERM * (terms + len(others) * (len(others) + 1) / 2)
        fitted, asked = (
            _terms(values[:, others], [each[:, place] for each in categories], products=products)
            for values, categories in ((before[then], [each[then] for each in of_before]), (today, of_today))
        )
        usual, away = _away(fitted, before[then, place], asked, today[:, place])
        if usual <= TOLD:
            yield from (
                ("by_others", name, part, max(1.0, _most(away[known & rows])))
                for part, rows in parts.items()
                if (known & rows).sum() >= VARIED
            )


def of_rows(
    rows: pl.DataFrame,
    earlier: Sequence[pl.DataFrame],
    names: Sequence[str],
    categories: Sequence[str],
    slices: Mapping[str, pl.Expr],
) -> Iterator[Told]:
    """`by_others` of the rows of a night, whole and by slice. A category says the mean that it had.

    names: number columns. earlier: the rows of nights before, with all of these columns. slices: name -> the
    value of a row.
    """
    past = pl.concat((night.select(*names, *categories) for night in earlier), how="vertical_relaxed")
    then = matrix(past, names)
    varied = distinct(then) >= VARIED
    kept = [name for name, several in zip(names, varied, strict=True) if several]
    if not kept or past.height < ROWS_A_TERM * (len(kept) + len(categories) + 1):
        return
    now, then = matrix(rows, kept), then[:, varied]
    said = [_said(then, past[name], rows[name]) for name in categories]
    yield from by_others(
        now, then, kept, _parts(rows, slices), ([each[0] for each in said], [each[1] for each in said])
    )


def _few(past: Matrix) -> slice:
    return slice(None, None, -(-len(past) // MOST_PAST))


def _scaled(values: Matrix, mean: Matrix, spread: Matrix) -> Matrix:
    return (values - mean) / np.where(spread > 0, spread, 1.0)


def _said(past: Matrix, of_past: pl.Series, of_now: pl.Series) -> tuple[Matrix, Matrix]:
    """The mean of each column in the past by category, for the rows of the night and of the past."""
    texts = [each.cast(pl.String).fill_null("") for each in (of_past, of_now)]
    known = texts[0].unique()
    then, now = (columns.places(known, values) for values in texts)
    counts = np.maximum([np.bincount(then, ~np.isnan(each), len(known)) for each in past.T], 1)
    sums = [np.bincount(then, np.nan_to_num(each), len(known)) for each in past.T]
    means = np.vstack([(sums / counts).T, np.full(past.shape[1], np.nan)])
    return means[now], means[then]


def _parts(rows: pl.DataFrame, slices: Mapping[str, pl.Expr]) -> Mapping[str, NDArray[np.bool_]]:
    """The rows of the night, and those of each slice of many rows."""
    parts = {"": np.full(rows.height, fill_value=True)}
    for labels in rows.select(value.alias(name) for name, value in slices.items()):
        known, of = columns.numbered(labels)
        many = np.bincount(of, minlength=known.len()) >= SOME
        found = {label: place for place, label in enumerate(known) if many[place]}
        parts |= {f"{labels.name}={label}": of == found[label] for label in sorted(found)}
    return parts


def _terms(values: Matrix, said: Sequence[Matrix], *, products: bool) -> Matrix:
    """1, what categories say, the columns and, if asked for, the product of each two columns."""
    numbers, categories = (
        np.nan_to_num(np.clip(each, -WIDEST, WIDEST))
        for each in (values, np.array(said).T.reshape(len(values), -1))
    )
    alone = np.column_stack([np.ones(len(numbers)), categories, numbers])
    one, other = np.triu_indices(numbers.shape[1])
    return np.column_stack([alone, numbers[:, one] * numbers[:, other]]) if products else alone


def _away(terms: Matrix, values: Matrix, today: Matrix, asked: Matrix) -> tuple[float, Matrix]:
    """How far most values of the past are from the expected ones, and how many times as far each asked one.

    terms, values: what is fitted. today, asked: what is expected for, and is compared.
    """
    inverse = np.linalg.inv(terms.T @ terms + PULL * len(terms) * np.eye(terms.shape[1]))
    weights = inverse @ (terms.T @ values)
    usual = max(_most(np.abs(values - terms @ weights)), LEAST)
    pull, typical = (((each @ inverse) * each).sum(axis=1) for each in (today, terms))
    far = np.maximum(pull / np.median(typical), 1.0)
    return usual, np.abs(asked - today @ weights) / np.sqrt(far) / usual


def _most(distances: Matrix) -> float:
    """The distance below which MOST of them are. NumPy's quantile takes ten times as long for a slice."""
    ordered, place = np.sort(distances), (distances.size - 1) * MOST
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return float(low + (high - low) * (place % 1))
