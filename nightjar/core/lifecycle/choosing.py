"""Of several learners the simplest is chosen that is not measurably worse than the best.

They are compared on the days that choose, night by night. The days that judge a version do not choose it.
"""

from collections.abc import Mapping

import polars as pl

from nightjar.core.lifecycle.evidence import LearnerLoss
from nightjar.core.lifecycle.resampling import quotient
from nightjar.core.lifecycle.training_set import DAY


def choice(
    days: pl.Series, losses: Mapping[str, pl.Series], alpha: float
) -> tuple[str, tuple[LearnerLoss, ...]]:
    """The name of the chosen learner, and how each compares with the best.

    days: the score date of each row. losses: learner -> its loss of each row, the simplest learner first.
    With too few nights for an interval the best is chosen: then nothing says how much worse a simpler one is.
    """
    nights = pl.DataFrame({DAY: days, **losses}).group_by(DAY).agg(pl.exclude(DAY).sum()).sort(DAY)
    best = min(losses, key=lambda name: nights[name].sum())
    found = tuple(_beside(nights, name, best, days.len()) for name in losses)
    chosen = next(one for one in found if one.learner == best or not _measurably_worse(one, alpha))
    return chosen.learner, found


def _beside(nights: pl.DataFrame, name: str, best: str, rows: int) -> LearnerLoss:
    over = quotient(nights[name].to_numpy(), nights[best].to_numpy())
    return LearnerLoss(learner=name, loss=float(nights[name].sum()) / rows, over_best=over)


def _measurably_worse(one: LearnerLoss, alpha: float) -> bool:
    if one.over_best is None or one.over_best.error is None:
        return True
    return one.over_best.within(alpha)[0] > 1
