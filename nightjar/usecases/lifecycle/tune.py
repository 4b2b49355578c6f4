"""Search better parameters for a learner, on nights before those that judge its versions.

A trial fits the learner before each fold as a retraining would, and scores the fold. Each trial is stored as
soon as it is done, so a search that was stopped goes on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nightjar.core.content import content_sha256
from nightjar.core.errors.settings import BadSettings
from nightjar.core.kinds.estimates import Estimate
from nightjar.core.lifecycle.folds import Folds, folds_of
from nightjar.core.lifecycle.training_set import DAY, TimeCut
from nightjar.core.lifecycle.tuning import (
    NightOfTrial,
    Trial,
    Verdict,
    best_of,
    hopeless,
    name_of,
    nights_of,
    over,
    promising,
    verdict_on,
)
from nightjar.core.model.search import Params, Search
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.features import FeatureSource
from nightjar.core.ports.progress import Progress, silent
from nightjar.core.ports.raw import RawStore
from nightjar.core.ports.trials import Propose, Trials
from nightjar.usecases.lifecycle.fitting import fitted, refitted
from nightjar.usecases.lifecycle.gathering import known_rows
from nightjar.usecases.lifecycle.measuring import calibration_of, published_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A search when its budget is spent. resumed: how many of the trials were stored before."""

    name: str
    search: Search
    folds: Folds
    trials: tuple[Trial, ...]
    resumed: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Tune:
    """clock: seconds, from any beginning. code: file of the model's code -> its hash."""

    spec: ModelSpec
    raw: RawStore
    features: FeatureSource
    trials: Trials
    propose: Propose
    code: Mapping[str, str]
    clock: Callable[[], float]
    progress: Progress = silent

    def run(self, known_at: datetime, budget_s: float) -> Tuned:
        """Try parameters for so many seconds. The first trial has those of today.

        A trial that has begun is finished. Raises BadSettings for a model without a search, TooLittleHistory,
        CodeFailed, and what a retraining raises while it gathers rows.
        """
        end = self.clock() + budget_s
        search = self._search()
        rows = known_rows(self.spec, known_at, self.raw, self.features, self.progress)
        folds = folds_of(rows, self.spec, search, known_at)
        name = name_of(self.spec.name, search, content_sha256(rows), self.code, self.spec.params)
        kept = self.trials.of(name)
        tried = [*kept]
        with self.progress("seconds of trials", round(budget_s)) as advance:
            while not tried or self.clock() < end:
                tried.append(self._trial(folds, search, tried))
                self.trials.add(name, tried[-1])
                advance(round(tried[-1].seconds))
        best = promising(tried)
        confirmed = None if best is None else self._confirmed(folds.confirming, best)
        verdict = verdict_on(tried, best, confirmed, self.spec.certainty.alpha)
        return Tuned(
            name=name, search=search, folds=folds, trials=tuple(tried), resumed=len(kept), verdict=verdict
        )

    def _search(self) -> Search:
        if self.spec.search is None:
            problem = f"{self.spec.name} names no parameters to try"
            raise BadSettings(problem, "Give `search` and `params` in its spec.py; see docs/tuning.md.")
        return self.spec.search

    def _trial(self, folds: Folds, search: Search, tried: Sequence[Trial]) -> Trial:
        started, best = self.clock(), best_of(tried)
        proposed = self.propose(search.space, tried, self.spec.seed) if tried else {}
        params = {**self.spec.params, **proposed}
        nights, done = tuple[NightOfTrial, ...](), 0
        for scored in self._scored(params, folds.choosing):
            nights, done = nights + scored, done + 1
            if hopeless(nights, best, self.spec.certainty.alpha):
                break
        return Trial(
            number=len(tried) + 1,
            params=params,
            nights=nights,
            folds=done,
            given_up=done < len(folds.choosing),
            seconds=round(self.clock() - started, 3),
        )

    def _confirmed(self, cut: TimeCut, best: Trial) -> Estimate | None:
        """The loss of a trial over that of the parameters of today, on the nights that chose nothing."""
        found, today = (next(self._scored(params, (cut,))) for params in (best.params, self.spec.params))
        return over(found, today)

    def _scored(self, params: Params, cuts: Sequence[TimeCut]) -> Iterator[tuple[NightOfTrial, ...]]:
        """The nights of each cut, scored by what a retraining before them would have made."""
        spec = replace(self.spec, params=params)
        for cut in cuts:
            yield scored_by_recipe(spec, cut)


def scored_by_recipe(spec: ModelSpec, cut: TimeCut) -> tuple[NightOfTrial, ...]:
    """The loss of each unseen night by the spec's own learner, fitted anew on all older rows if it can be."""
    kind, own = spec.kind, spec.learners[-1]
    predictor = fitted(spec, own, cut)
    calibration = calibration_of(kind, predictor, cut)
    if own.refit is not None:
        predictor = refitted(spec, own.refit, cut.seen, predictor)
    losses = kind.losses(published_by(kind, predictor, calibration, cut.test), cut.test["outcome"])
    return nights_of(cut.test[DAY], losses)
