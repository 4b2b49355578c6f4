"""A surrogate of the scores: a linear model of last nights' scores by their inputs.

It is far from the model that scores. It is good enough to say whether tonight's scores follow the inputs in
the usual direction. If they are reflected about their mean, shuffled among the rows, or made of other inputs,
they do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison import columns
from nightjar.core.comparison.entities import SCORE
from nightjar.core.inputs.former import Matrix, matrix, ranked, standardised
from nightjar.core.sampling import sampled

PULL = 0.01
"""Ridge penalty, as a share of the variance of a column."""
PRIOR_ROWS = 20
"""A category of few rows has a mean score near that of all rows: so many rows count for the mean."""
LEAST_ROWS = 100
MOST_ROWS = 2_000
WIDEST = 4.0
"""A number further from its mean than so many standard deviations counts as that far."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows that have a score. NaN: missing. of: the place of each row's category, and how many there are."""

    scores: Matrix
    numbers: Matrix
    of: Sequence[tuple[NDArray[np.int64], int]]

    def part(self, rows: slice) -> "Scored":
        return Scored(
            self.scores[rows], self.numbers[rows], [(places[rows], many) for places, many in self.of]
        )


def explained(
    rows: pl.DataFrame, earlier: Sequence[pl.DataFrame], numeric: Sequence[str], categorical: Sequence[str]
) -> float | None:
    """Return the rank correlation of the scores with what earlier nights let expect of the inputs.

    Two surrogates are made, of the night before and of all nights; the better one counts, since a front may
    reach the airports on any day. None if there are too few rows, or if scores or expectations are constant.
    """
    nights = (rows, earlier[0], pl.concat(earlier, how="diagonal_relaxed"))
    tonight, *pasts = _read([sampled(each, MOST_ROWS) for each in nights], numeric, categorical)
    found = [_agreement(tonight, past) for past in pasts]
    return max((value for value in found if value is not None), default=None)


def _read(frames: Sequence[pl.DataFrame], numeric: Sequence[str], categorical: Sequence[str]) -> list[Scored]:
    """The rows of each frame. All are read at once. A column that a frame lacks says nothing there."""
    known = [frame.filter(frame[SCORE].is_not_null()) for frame in frames]
    every = pl.concat(known, how="diagonal_relaxed")
    of = [columns.numbered(columns.categories(every[name])) for name in categorical if name in every.columns]
    whole = Scored(
        every[SCORE].to_numpy(),
        matrix(every, [name for name in numeric if name in every.columns]),
        [(places, texts.len()) for texts, places in of],
    )
    ends = [0, *accumulate(frame.height for frame in known)]
    return [whole.part(slice(start, end)) for start, end in pairwise(ends)]


def _agreement(tonight: Scored, past: Scored) -> float | None:
    if min(past.scores.size, tonight.scores.size) < LEAST_ROWS:
        return None
    before, now = _encoded(past, tonight)
    penalty = PULL * past.scores.size * np.eye(before.shape[1])
    weights = np.linalg.solve(before.T @ before + penalty, before.T @ past.scores)
    expected = now @ weights
    if min(np.unique(each).size for each in (expected, tonight.scores)) == 1:
        return None
    one, other = ranked(np.column_stack([expected, tonight.scores])).T
    return float(np.corrcoef(one, other)[0, 1])


def _encoded(past: Scored, tonight: Scored) -> tuple[Matrix, Matrix]:
    """The rows of the past and of the night: standardised numbers, and for each category its mean score.

    A category column without a value in the past is left out.
    """
    scaled = standardised([past.numbers, tonight.numbers], past.numbers, WIDEST)
    known = [place for place, (of, many) in enumerate(past.of) if (of < many).any()]
    means = [_mean_scores(past.scores, *past.of[place]) for place in known]
    before, now = (
        np.column_stack(
            [
                np.ones(each.scores.size),
                numbers,
                *(mean[each.of[place][0]] for place, mean in zip(known, means, strict=True)),
            ]
        )
        for each, numbers in zip((past, tonight), scaled, strict=True)
    )
    return before, now


def _mean_scores(scores: Matrix, places: NDArray[np.int64], many: int) -> Matrix:
    """The mean score of each category in the past; that of all rows for a new one and for a missing one."""
    of_all = scores.mean()
    sums, rows = (np.bincount(places, of, many + 1)[:-1] for of in (scores, None))
    return np.append((sums + PRIOR_ROWS * of_all) / (rows + PRIOR_ROWS), of_all)
