"""What a night's metrics will probably be, before its outcomes are known.

The expected outcome and the expected loss of a score are learned from past nights whose outcomes are known,
by bins of equal mass, and averaged over the scores of the night. For a probability this is confidence-based
performance estimation (CBPE) with calibrated scores, as Bialek and others describe it before they weigh the
past rows by their likeness to the night (PAPE, arXiv 2401.08348); for numbers it is their direct estimate of
the loss. It holds as long as the outcome of a score stays what it was. If the inputs now mean something else
(concept drift), no estimate without outcomes can see it.

So an estimate earns its place: it is shown only where it was nearer to what came true, week by week, than the
mean of the nights before was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

BINS = 20
LEAST_ROWS = 500
"""Of fewer past rows nothing is estimated."""
WEEKS = 4
"""An estimate is compared with what came true over at least so many weeks before it is shown."""
DAYS = 7


def estimated(past: pl.DataFrame, scores: pl.Series, metric: str, *, binary: bool) -> dict[str, float]:
    """Estimate metrics of a night: the mean loss, and of a binary model also `auc` and `base_rate`.

    past: rows of nights whose outcomes are known, with `score`, `outcome` and `loss`. scores: of the night,
    at least one. metric: name of the mean loss. Empty for fewer than LEAST_ROWS past rows.
    """
    if past.height < LEAST_ROWS or scores.is_empty():
        return {}
    now = np.sort(scores.to_numpy())
    found = {metric: float(_by_score(past, "loss", now).mean())}
    if not binary:
        return found
    chance = np.maximum.accumulate(_by_score(past, "outcome", now))
    auc = _auc(chance)
    return found | {"base_rate": float(chance.mean())} | ({} if auc is None else {"auc": auc})


def _by_score(past: pl.DataFrame, column: str, scores: Numbers) -> Numbers:
    """The mean of a column at each score, between the means of bins of equal mass."""
    rank = (pl.col("score").rank("ordinal") - 1) * BINS // pl.len()
    means = past.group_by(rank.alias("bin")).agg(pl.col("score", column).mean()).sort("score")
    return np.interp(scores, means["score"].to_numpy(), means[column].to_numpy())


def _auc(chance: Numbers) -> float | None:
    """The expected AUC of scores in rising order, given the chance of the event for each."""
    hits, misses = chance.sum(), (1 - chance).sum()
    if hits <= 0 or misses <= 0:
        return None
    below = np.concatenate([[0.0], np.cumsum(1 - chance)[:-1]])
    return float((chance * below).sum() / (hits * misses))


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One metric of one night: what was estimated, what the nights before say, and what came true."""

    score_date: date
    estimate: float
    trailing: float
    truth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How an estimate did. error, trailing_error: the mean absolute error of a week's mean, and the one of
    saying the mean of the nights before. weeks: how many whole weeks were compared.
    """

    weeks: int
    error: float
    trailing_error: float

    @property
    def earned(self) -> bool:
        """True if the estimate is worth showing."""
        return self.weeks >= WEEKS and self.error < self.trailing_error


def record_of(nights: Sequence[Foreseen]) -> Record | None:
    """Compare by week, counted back from the newest night. None: not a whole week."""
    ordered = sorted(nights, key=lambda night: night.score_date, reverse=True)
    weeks = [ordered[first : first + DAYS] for first in range(0, len(ordered) - DAYS + 1, DAYS)]
    if not weeks:
        return None
    return Record(
        weeks=len(weeks),
        error=_mean_error(weeks, "estimate"),
        trailing_error=_mean_error(weeks, "trailing"),
    )


def _mean_error(weeks: Sequence[Sequence[Foreseen]], said: str) -> float:
    apart = [np.mean([getattr(night, said) - night.truth for night in week]) for week in weeks]
    return float(np.abs(apart).mean())


def told(metric: str, record: Record | None, estimate: float | None) -> str:
    """Say what is expected, or why nothing is."""
    if record is None or record.weeks < WEEKS:
        return f"{metric}: not estimated; fewer than {WEEKS} weeks of estimates have come true"
    errors = f"mean error by week {record.error:.4f} over {record.weeks} weeks"
    trailing = f"saying the mean of the nights before {record.trailing_error:.4f}"
    if not record.earned:
        return f"{metric}: not estimated; an estimate would be no better ({errors}; {trailing})"
    said = "no estimate tonight" if estimate is None else f"{estimate:.4f} estimated"
    return f"{metric}: {said} ({errors}; {trailing})"
