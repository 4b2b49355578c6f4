"""How much each past row counts for a night, by how like the night's rows it is.

The weight is the density ratio: how much more often such inputs come on the night than in the past. A
classifier that tells the rows of the night from those of the past gives it, as its odds (PAPE: Bialek and
others, arXiv 2401.08348). Here that is a logistic regression with a penalty. Many inputs are one number a
night, or one an airport: trees tell such a night from the past without an error, and then no past row is
like it.

It is cross-fitted: the rows of each half of both sides are weighed by the regression of the other half.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison import columns
from nightjar.core.inputs.former import matrix, standardised

Numbers = NDArray[np.float64]

FITTED_ROWS = 2_000
"""A regression is fitted on at most so many past rows, and on half as many of the night."""
PENALTY = 10.0
"""Of half the squared coefficients, beside the log loss of all rows. Chosen on January to June (ADR 86)."""
MOST_CATEGORIES = 20
"""So many categories of a column count, the most frequent ones."""
WIDEST = 5.0
"""A number further from its mean than so many standard deviations counts as that far."""
STEPS = 25
NEAR = 1e-6
FARTHEST = 30.0
"""The logarithm of the odds is kept within so much of 0."""


def weights(
    past: pl.DataFrame, tonight: pl.DataFrame, numeric: Sequence[str], categorical: Sequence[str]
) -> Numbers:
    """Weigh past rows by their likeness to the rows of a night. Their mean weight is 1.

    Each side has two rows or more. A column that one side lacks is left out.
    """
    there = {*past.columns} & {*tonight.columns}
    inputs = np.column_stack(
        [
            np.ones(past.height + tonight.height),
            _numbers(past, tonight, [name for name in numeric if name in there]),
            *(_categories(past, tonight, name) for name in categorical if name in there),
        ]
    )
    before, now = inputs[: past.height], inputs[past.height :]
    found = np.empty(past.height)
    for half in (0, 1):
        other = slice(1 - half, None, 2)
        found[half::2] = _odds(before[other], now[other], before[half::2])
    return found / found.mean()


def effective_rows(weights: Numbers) -> float:
    """How many rows of equal weight would say as much (Kish): from 1 to the number of rows."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _odds(before: Numbers, now: Numbers, asked: Numbers) -> Numbers:
    """How much likelier each of the asked rows is on the night than before."""
    known = _some(before, FITTED_ROWS), _some(now, FITTED_ROWS // 2)
    is_now = np.repeat([0.0, 1.0], [len(each) for each in known])
    margin = asked @ _fitted(np.concatenate(known), is_now)
    return np.exp(np.clip(margin, -FARTHEST, FARTHEST))


def _some(rows: Numbers, most: int) -> Numbers:
    return rows[:: -(-len(rows) // most)]


def _fitted(inputs: Numbers, is_now: Numbers) -> Numbers:
    """The coefficients of a logistic regression by Newton's steps, each halved until it is one downwards.

    inputs: the first column is 1; its coefficient has no penalty.
    """
    penalty = np.full(inputs.shape[1], PENALTY)
    penalty[0] = NEAR

    def loss(at: Numbers) -> float:
        margin = inputs @ at
        return float((np.logaddexp(0, margin) - is_now * margin).sum() + penalty @ at**2 / 2)

    found = np.zeros(inputs.shape[1])
    reached = loss(found)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ found, -FARTHEST, FARTHEST)))
        slope = inputs.T @ (is_now - chance) - penalty * found
        curve = (inputs.T * (chance * (1 - chance))) @ inputs + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        while (there := loss(found + step)) > reached and np.abs(step).max() > NEAR:
            step = step / 2
        gained, found, reached = reached - there, found + step, there
        if gained < NEAR:
            break
    return found


def _numbers(past: pl.DataFrame, tonight: pl.DataFrame, names: Sequence[str]) -> Numbers:
    """The numbers of both sides in units of their spread about their mean. What is missing is at the mean.

    A column without a spread is left out.
    """
    values = np.concatenate([matrix(rows, names) for rows in (past, tonight)])
    return standardised([values], values, WIDEST)[0]


def _categories(past: pl.DataFrame, tonight: pl.DataFrame, name: str) -> Numbers:
    """A column of 1 and 0 for each frequent category of both sides."""
    values = pl.concat(columns.categories(rows[name]).alias(name) for rows in (past, tonight))
    counts = values.drop_nulls().value_counts(name="rows").sort("rows", name, descending=[True, False])
    frequent = counts[name].head(MOST_CATEGORIES)
    places = columns.places(frequent, values)
    return (places[:, None] == np.arange(len(frequent))).astype(np.float64)
