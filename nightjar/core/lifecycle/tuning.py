"""Parameters are compared by the loss of the same nights, as versions are by the gates.

Of many trials the best one is lucky. So it is taken only if it is surely better than the parameters of today,
with alpha shared among all trials, and if it is also better on nights that chose nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256

import numpy as np
import polars as pl

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.lifecycle.comparing import sums
from nightjar.core.lifecycle.resampling import quotient
from nightjar.core.lifecycle.training_set import DAY
from nightjar.core.model.search import Params, Search
from nightjar.core.values import Value

TODAY = 1
"""Number of the trial with the parameters that the spec has."""


class NightOfTrial(Value):
    """loss: the sum over the rows of the night."""

    score_date: date
    rows: int
    loss: float


class Trial(Value):
    """Parameters and what came of them. number: counts from 1.

    nights: those of the folds that were scored, oldest first. folds: how many these were. given_up: it was
    surely worse than the best one, so other folds were not scored. seconds: what it took.
    """

    number: int
    params: Params
    nights: tuple[NightOfTrial, ...]
    folds: int
    given_up: bool
    seconds: float

    @property
    def loss(self) -> float:
        """The mean over the rows."""
        return sum(night.loss for night in self.nights) / sum(night.rows for night in self.nights)


class Verdict(Value):
    """best: number of the trial; that of TODAY if nothing is better. reason: in words.

    over_today: its loss over that of the parameters of today, on the nights that choose. confirmed: the same
    on the nights that chose nothing; None if these were not asked.
    """

    best: int
    reason: str
    over_today: Estimate | None = None
    confirmed: Estimate | None = None

    @property
    def better(self) -> bool:
        return self.best != TODAY


def name_of(model: str, search: Search, data_sha256: str, code: Mapping[str, str], params: Params) -> str:
    """A search is named by what it is made of: another space, other data or code make another one."""
    made_of = f"{model} {search} {data_sha256} {sorted(code.items())} {sorted(params.items())}"
    return sha256(made_of.encode()).hexdigest()[:12]


def nights_of(days: pl.Series, losses: pl.Series) -> tuple[NightOfTrial, ...]:
    """Both: one for each row, in the same order."""
    nights = sums(pl.DataFrame({DAY: days, "loss": losses}), ["loss"])
    return tuple(NightOfTrial(**night) for night in nights.iter_rows(named=True))


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The one of the least loss among those that were scored on all folds."""
    return min((trial for trial in trials if not trial.given_up), key=lambda trial: trial.loss, default=None)


def hopeless(nights: Sequence[NightOfTrial], best: Trial | None, alpha: float) -> bool:
    """True if what was scored so far is surely worse than the best trial on the same nights."""
    found = None if best is None else over(nights, best.nights)
    return found is not None and found.within(alpha)[0] > 1


def over(nights: Sequence[NightOfTrial], others: Sequence[NightOfTrial]) -> Estimate | None:
    """The loss of one trial over that of another, on the nights that both have."""
    own = {night.score_date: night.loss for night in nights}
    beside = {night.score_date: night.loss for night in others}
    days = sorted(own.keys() & beside.keys())
    both = (np.array([losses[day] for day in days], np.float64) for losses in (own, beside))
    return quotient(*both)


def promising(trials: Sequence[Trial]) -> Trial | None:
    """The trial that is to be confirmed: the best one, if it has not the parameters of today."""
    best = best_of(trials)
    return None if best is None or best.number == TODAY else best


def verdict_on(
    trials: Sequence[Trial],
    best: Trial | None,
    confirmed: Estimate | None,
    alpha: float,
) -> Verdict:
    """best: that of `promising`. confirmed: its loss over that of TODAY on nights that chose nothing."""
    tried = f"{len(trials)} trials"
    if best is None:
        return Verdict(best=TODAY, reason=f"of {tried} none has less loss than the parameters of today")
    found = over(best.nights, trials[TODAY - 1].nights)
    told = {"over_today": found, "confirmed": confirmed}
    if found is None or found.within(alpha / len(trials))[1] >= 1:
        reason = f"trial {best.number} has the least loss of {tried}, which may be luck"
        return Verdict(best=TODAY, reason=reason, **told)
    if confirmed is None or confirmed.value >= 1:
        reason = f"trial {best.number} is better on the nights that choose, and not on those that confirm"
        return Verdict(best=TODAY, reason=reason, **told)
    reason = f"trial {best.number} is surely better, on {tried}, and better on the nights that chose nothing"
    return Verdict(best=best.number, reason=reason, **told)
