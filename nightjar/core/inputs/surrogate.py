"""A surrogate of the scores: a linear model of last nights' scores by their inputs.

It is far from the model that scores. It is good enough to say whether tonight's scores follow the inputs in
the usual direction. If they are reflected about their mean, shuffled among the rows, or made of other inputs,
they do not.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from nightjar.core.comparison import columns
from nightjar.core.comparison.entities import SCORE
from nightjar.core.inputs.former import Matrix, matrix, standardised
from nightjar.core.sampling import sampled

PULL = 0.01
"""Ridge penalty, as a share of the variance of a column."""
PRIOR_ROWS = 20
"""A category of few rows has a mean score near that of all rows: so many rows count for the mean."""
LEAST_ROWS = 100
MOST_ROWS = 2_000
WIDEST = 4.0
"""A number further from its mean than so many standard deviations counts as that far."""


def explained(
    rows: pl.DataFrame, earlier: Sequence[pl.DataFrame], numeric: Sequence[str], categorical: Sequence[str]
) -> float | None:
    """Return the rank correlation of the scores with what earlier nights let expect of the inputs.

    Two surrogates are made, of the night before and of all nights; the better one counts, since a front may
    reach the airports on any day. None if there are too few rows, or if scores or expectations are constant.
    """
    tonight = sampled(rows, MOST_ROWS)
    found = [
        _agreement(tonight, sampled(past, MOST_ROWS), numeric, categorical)
        for past in (earlier[0], pl.concat(earlier, how="diagonal_relaxed"))
    ]
    return max((value for value in found if value is not None), default=None)


def _agreement(
    rows: pl.DataFrame, past: pl.DataFrame, numeric: Sequence[str], categorical: Sequence[str]
) -> float | None:
    known, tonight = (each.filter(each[SCORE].is_not_null()) for each in (past, rows))
    if min(known.height, tonight.height) < LEAST_ROWS:
        return None
    numeric = [name for name in numeric if name in known.columns]
    categorical = [name for name in categorical if name in known.columns]
    before, now = _encoded(known, tonight, numeric, categorical)
    penalty = PULL * known.height * np.eye(before.shape[1])
    weights = np.linalg.solve(before.T @ before + penalty, before.T @ known[SCORE].to_numpy())
    expected = pl.Series(now @ weights)
    if min(expected.n_unique(), tonight[SCORE].n_unique()) == 1:
        return None
    return float(np.corrcoef(expected.rank(), tonight[SCORE].rank())[0, 1])


def _encoded(
    known: pl.DataFrame, tonight: pl.DataFrame, numeric: Sequence[str], categorical: Sequence[str]
) -> tuple[Matrix, Matrix]:
    """The rows of the past and of the night: standardised numbers, and for each category its mean score."""
    frames = (known, tonight)
    numbers = [matrix(frame, numeric) for frame in frames]
    scaled = standardised(numbers, numbers[0], WIDEST)
    means = [_mean_scores(known, tonight, name) for name in categorical]
    before, now = (
        np.column_stack([np.ones(frame.height), scaled[n], *(each[n] for each in means)])
        for n, frame in enumerate(frames)
    )
    return before, now


def _mean_scores(known: pl.DataFrame, tonight: pl.DataFrame, name: str) -> tuple[Matrix, Matrix]:
    """The mean score of each row's category in the past."""
    scores = known[SCORE].to_numpy()
    of_all = scores.mean()
    past, now = (columns.categories(rows[name]) for rows in (known, tonight))
    there = past.drop_nulls().unique()
    before, then = (columns.places(there, values) for values in (past, now))
    sums, rows = (np.bincount(before, of, there.len() + 1)[:-1] for of in (scores, None))
    means = np.append((sums + PRIOR_ROWS * of_all) / (rows + PRIOR_ROWS), of_all)
    return means[before], means[then]
