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
    found = [
        _agreement(sampled(rows, MOST_ROWS), sampled(past, MOST_ROWS), numeric, categorical)
        for past in (earlier[0], pl.concat(earlier, how="diagonal_relaxed"))
    ]
    return max((value for value in found if value is not None), default=None)


def _agreement(
    rows: pl.DataFrame, past: pl.DataFrame, numeric: Sequence[str], categorical: Sequence[str]
) -> float | None:
    known = past.drop_nulls(SCORE)
    tonight = rows.drop_nulls(SCORE)
    if min(known.height, tonight.height) < LEAST_ROWS:
        return None
    numeric = [name for name in numeric if name in known.columns]
    categorical = [name for name in categorical if name in known.columns]
    before = _encoded(known, known, numeric, categorical)
    penalty = PULL * known.height * np.eye(before.shape[1])
    weights = np.linalg.solve(before.T @ before + penalty, before.T @ known[SCORE].to_numpy())
    expected = pl.Series(_encoded(tonight, known, numeric, categorical) @ weights)
    if min(expected.n_unique(), tonight[SCORE].n_unique()) == 1:
        return None
    return float(np.corrcoef(expected.rank(), tonight[SCORE].rank())[0, 1])


def _encoded(
    rows: pl.DataFrame, past: pl.DataFrame, numeric: Sequence[str], categorical: Sequence[str]
) -> np.ndarray:
    """Standardised numbers, and for each category the mean score that it had."""
    found = [np.ones(rows.height)]
    for name in numeric:
        known = columns.numbers(past[name])
        mean, spread = known.mean(), known.std()
        if isinstance(mean, float) and isinstance(spread, float) and spread > 0:
            scaled = ((columns.numbers(rows[name]) - mean) / spread).clip(-WIDEST, WIDEST)
            found.append(scaled.fill_null(0.0).to_numpy())
    for name in categorical:
        of_all = float(past[SCORE].to_numpy().mean())
        means = (
            past.select(category=columns.categories(past[name]), score=SCORE)
            .group_by("category")
            .agg(mean=(pl.col("score").sum() + PRIOR_ROWS * of_all) / (pl.len() + PRIOR_ROWS))
        )
        own = rows.select(category=columns.categories(rows[name]))
        joined = own.join(means, on="category", how="left", maintain_order="left")
        found.append(joined["mean"].fill_null(of_all).to_numpy())
    return np.column_stack(found)
