"""What a night's metrics will probably be, before its outcomes are known.

The expected outcome and the expected loss of a score are learned from past nights whose outcomes are known,
by bins of equal mass, and averaged over the scores of the night. For a probability this is confidence-based
performance estimation with calibrated scores (CBPE); for numbers it is a direct estimate of the loss. Where
past rows are weighed by their likeness to the night, it is probabilistic adaptive performance estimation
(PAPE). Both: Bialek and others, arXiv 2401.08348.

CBPE holds as long as the outcome of a score stays what it was, PAPE as long as the outcome of the inputs
does. If the inputs now mean something else (concept drift), no estimate without outcomes can see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from nightjar.core.kinds.classification import auc_of
from nightjar.core.monitoring.foreseen import Method
from nightjar.core.monitoring.likeness import Numbers, effective_rows, weights

BINS = 20
LEAST_ROWS = 500
"""Of fewer past rows, or of rows that weigh no more than so many, nothing is estimated."""
LEAST_TONIGHT = 2
UNDEFINED = "all outcomes are expected to be alike"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a method says of a night, by metric. note: why it says nothing of the other metrics.

    effective_rows: how many past rows of equal weight say as much as those that it was learned from.
    """

    values: Mapping[str, float]
    effective_rows: float
    note: str


def expected_by(
    past: Sequence[pl.DataFrame],
    tonight: pl.DataFrame,
    metric: str,
    numeric: Sequence[str],
    categorical: Sequence[str],
    *,
    binary: bool,
) -> Mapping[Method, Said]:
    """Return what each method expects of a night.

    past: nights with their inputs, `score`, `outcome` and `loss`, each with a row or more. tonight: rows with
    inputs and `score`. metric: name of the mean loss. numeric, categorical: names of the inputs.
    """
    rows = pl.concat(past, how="diagonal_relaxed") if past else pl.DataFrame()
    every = float(rows.height)
    of_trailing = Said(
        values=trailing(past, metric, binary=binary),
        effective_rows=every,
        note="no night before has outcomes",
    )
    if rows.height < LEAST_ROWS or tonight.height < LEAST_TONIGHT:
        note = f"{rows.height} past rows have an outcome, and the night has {tonight.height} sampled rows"
        nothing = Said(values={}, effective_rows=every, note=note)
        return {Method.TRAILING: of_trailing, Method.CBPE: nothing, Method.PAPE: nothing}
    likeness = weights(rows, tonight, numeric, categorical)
    alike = min(effective_rows(likeness), every)
    by_all, by_alike = (
        estimated(rows, tonight["score"], metric, binary=binary, weights=counts)
        for counts in (None, likeness)
    )
    few = f"the past rows like this night's say as much as {alike:.0f} rows, fewer than {LEAST_ROWS}"
    return {
        Method.TRAILING: of_trailing,
        Method.CBPE: Said(values=by_all, effective_rows=every, note=UNDEFINED),
        Method.PAPE: Said(values=by_alike, effective_rows=alike, note=UNDEFINED if by_alike else few),
    }


def trailing(nights: Sequence[pl.DataFrame], metric: str, *, binary: bool) -> dict[str, float]:
    """The mean over nights of the same metrics. A night whose outcomes are all alike has no `auc`."""
    found = [_came_true(night, metric, binary=binary) for night in nights]
    names = dict.fromkeys(name for night in found for name in night)
    return {name: float(np.mean([night[name] for night in found if name in night])) for name in names}


def _came_true(night: pl.DataFrame, metric: str, *, binary: bool) -> dict[str, float]:
    score, loss, outcome = (night[name].to_numpy() for name in ("score", "loss", "outcome"))
    found = {metric: float(loss.mean())}
    if not binary:
        return found
    rate = float(outcome.mean())
    return found | {"base_rate": rate} | ({"auc": auc_of(score, outcome)} if 0 < rate < 1 else {})


def estimated(
    past: pl.DataFrame, scores: pl.Series, metric: str, *, binary: bool, weights: Numbers | None = None
) -> dict[str, float]:
    """Estimate metrics of a night: the mean loss, and of a binary model also `auc` and `base_rate`.

    past: rows of nights whose outcomes are known, with `score`, `outcome` and `loss`. scores: of the night,
    at least one. metric: name of the mean loss. weights: how much each past row counts (PAPE); None: all the
    same (CBPE). Empty if the past rows say less than LEAST_ROWS rows of equal weight.
    """
    counts = np.ones(past.height) if weights is None else weights
    if scores.is_empty() or not past.height or effective_rows(counts) < LEAST_ROWS:
        return {}
    now, by_score = np.sort(scores.to_numpy()), _Bins(past["score"].to_numpy(), counts)
    found = {metric: float(by_score.mean(past["loss"], now).mean())}
    if not binary:
        return found
    chance = np.maximum.accumulate(by_score.mean(past["outcome"], now))
    ranked = _expected_auc(chance)
    return found | {"base_rate": float(chance.mean())} | ({} if ranked is None else {"auc": ranked})


class _Bins:
    """Past rows in the order of their scores, in bins of equal weight."""

    def __init__(self, scores: Numbers, counts: Numbers) -> None:
        self._order = np.argsort(scores, kind="stable")
        self._counts = counts[self._order]
        before = np.cumsum(self._counts) - self._counts
        self._bin = np.minimum((before * BINS / self._counts.sum()).astype(int), BINS - 1)
        self._scores = self._means(scores)

    def mean(self, values: pl.Series, at: Numbers) -> Numbers:
        """The mean of a column at each of some scores, between the means of the bins."""
        return np.interp(at, self._scores, self._means(values.to_numpy()))

    def _means(self, values: Numbers) -> Numbers:
        total = np.bincount(self._bin, self._counts, BINS)
        filled = total > 0
        return np.bincount(self._bin, self._counts * values[self._order], BINS)[filled] / total[filled]


def _expected_auc(chance: Numbers) -> float | None:
    """The expected AUC of scores in rising order, given the chance of the event for each."""
    hits, misses = chance.sum(), (1 - chance).sum()
    if hits <= 0 or misses <= 0:
        return None
    below = np.concatenate([[0.0], np.cumsum(1 - chance)[:-1]])
    return float((chance * below).sum() / (hits * misses))
