"""Measure what a version must prove besides its quality, on samples of stated size."""

import tempfile
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import structlog

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.outputs import Calibration
from nightjar.core.lifecycle.leakage import (
    in_another_order,
    over,
    skills_alone,
    surest_bin,
    with_shuffled_outcomes,
)
from nightjar.core.lifecycle.proofs import Proofs
from nightjar.core.lifecycle.stability import change, skewed, with_noise
from nightjar.core.lifecycle.training_set import DAY, TimeCut
from nightjar.core.model.judging import SEED_SPREAD, SHUFFLED
from nightjar.core.model.spec import Fit, ModelSpec, Predictor
from nightjar.core.ports.features import FeatureSource
from nightjar.core.sampling import sampled
from nightjar.usecases.lifecycle.measuring import Always, Predicts, published_by
from nightjar.usecases.lifecycle.origins import Learned

log = structlog.get_logger(__name__)

UNSEEN_ROWS = 10_000
"""Unseen rows to measure on."""
TRAIN_ROWS, VALID_ROWS = 5_000, 2_000
"""Rows to fit on, and to choose on, where a learner is fitted once more."""
BINNED_ROWS = 20_000
"""Training rows that say what one input alone predicts."""
USE_ROWS = 2_000
"""Unseen rows that say of what use each input is."""
SHUFFLES = 5
"""A learner that beats the constant in each of them does so by no chance."""
SKEW_NIGHTS = 2
PREDICTED = 3
"""The fastest of so many predictions counts: other work of the machine only makes one slower."""
A_DAY = timedelta(hours=24)

Earlier = Callable[[pl.DataFrame], pl.DataFrame]
"""Unseen rows, with their features as known a day before the evening of each."""
AsScored = Callable[[date], pl.DataFrame]
"""The population of a night with its features, as a night retrieves them."""
Found = Mapping[str, Any]
"""Fields of `Proofs`."""


@dataclass(frozen=True, slots=True)
class Prover:
    """earlier: None for a model without features: its population is the same whenever it is asked for.

    as_scored: None to compare no night.
    """

    spec: ModelSpec
    earlier: Earlier | None = None
    as_scored: AsScored | None = None

    def proofs(self, learned: Learned, calibration: Calibration) -> Proofs:
        unseen = sampled(learned.cut.test, UNSEEN_ROWS)
        published = published_by(self.spec.kind, learned.predictor, calibration, unseen)
        trial = Trial(self.spec, learned.predictor, calibration, learned.cut, unseen, published)
        again = {} if learned.fit is None else trial.fitted_again(learned.fit)
        return Proofs.model_validate(
            {
                **trial.skills(),
                **trial.noise(),
                **trial.use(),
                **trial.cost(),
                **again,
                **self._earlier(trial),
                **self._skew(learned.cut.test),
            }
        )

    def _earlier(self, trial: "Trial") -> Found:
        if self.earlier is None:
            return {}
        earlier = self.earlier(trial.unseen)
        return {"earlier": trial.over_with(earlier), "earlier_by": trial.over_with_each(earlier)}

    def _skew(self, unseen: pl.DataFrame) -> Found:
        """Of the newest unseen nights: their outcomes are known, so the snapshot has them."""
        if self.as_scored is None:
            return {}
        compared, other, seconds = 0, 0, 0.0
        for day in unseen[DAY].unique().sort()[-SKEW_NIGHTS:]:
            rows, started = unseen.filter(pl.col(DAY) == day), time.perf_counter()
            scored = self.as_scored(day)
            seconds = time.perf_counter() - started
            compared, other = compared + rows.height, other + skewed(rows, scored, self.spec.inputs)
        return {"compared_rows": compared, "skewed_rows": other, "retrieval_s": round(seconds, 3)}


@dataclass(frozen=True, slots=True)
class Trial:
    """A predictor on a sample of unseen rows. published: what it gives for them."""

    spec: ModelSpec
    predictor: Predictor
    calibration: Calibration
    cut: TimeCut
    unseen: pl.DataFrame
    published: pl.DataFrame

    def losses(self, predictor: Predicts, rows: pl.DataFrame) -> pl.Series:
        published = published_by(self.spec.kind, predictor, self.calibration, rows)
        return self.spec.kind.losses(published, rows["outcome"])

    def own(self) -> pl.Series:
        return self.spec.kind.losses(self.published, self.unseen["outcome"])

    def skills(self) -> Found:
        spec, train = self.spec, sampled(self.cut.train, BINNED_ROWS)
        constant = self.losses(Always(spec.kind, self.cut.seen["outcome"]), self.unseen)
        asked = (spec.kind, train, self.unseen, spec.categorical, spec.numeric)
        alone, surest = skills_alone(*asked), surest_bin(*asked)
        return {"skill": skill(self.own(), constant), "alone": alone, "surest": surest}

    def over_with(self, rows: pl.DataFrame) -> Estimate | None:
        """The loss over that with other inputs of the same rows."""
        return over(self.unseen[DAY], self.own(), self.losses(self.predictor, rows))

    def over_with_each(self, rows: pl.DataFrame) -> Mapping[str, Estimate]:
        """Input -> the same with this input alone of the other rows, for those that differ."""
        other = [name for name in self.spec.inputs if not rows[name].equals(self.unseen[name])]
        found = {name: self.over_with(self.unseen.with_columns(rows[name])) for name in other}
        return {name: one for name, one in found.items() if one is not None}

    def noise(self) -> Found:
        noisy = with_noise(self.unseen, self.spec.numeric, self.spec.seed)
        return {"noise": change(self.published["score"], self._scores(self.predictor, noisy))}

    def use(self) -> Found:
        """How much the loss rises if the values of one input are put in another order."""
        rows = sampled(self.unseen, USE_ROWS)
        least = float(self.losses(self.predictor, rows).sum())
        others = {name: in_another_order(rows[name], self.spec.seed) for name in self.spec.inputs}
        without = {
            name: self.losses(self.predictor, rows.with_columns(values)) for name, values in others.items()
        }
        return {
            "importance": {name: float(losses.sum()) / least - 1 for name, losses in without.items() if least}
        }

    def cost(self) -> Found:
        tries = timeit.repeat(partial(self.predictor.predict, self.unseen), repeat=PREDICTED, number=1)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model"
            self.predictor.save(file)
            size = file.stat().st_size
        return {"us_a_row": round(min(tries) / self.unseen.height * 1e6, 2), "artifact_bytes": size}

    def fitted_again(self, fit: Fit) -> Found:
        """What a learner makes of shuffled outcomes, and of another seed."""
        found, failed = dict[str, Any](), dict[str, str]()
        for gate, measure in ((SHUFFLED, self._shuffled), (SEED_SPREAD, self._seeds)):
            try:
                found |= measure(fit)
            # Libraries have their own errors, and what failed on a sample may be right on all rows.
            except Exception as error:  # noqa: BLE001
                log.warning("not_proven", gate=gate, error=str(error))
                failed[gate] = f"the learner failed on a sample: {error}"
        return {**found, "failed": failed}

    def _shuffled(self, fit: Fit) -> Found:
        """The greatest loss of a learner with shuffled outcomes over that of the constant.

        By chance it learns something of few rows that is true, and in another order it does not. So they are
        shuffled anew while it keeps beating the constant.
        """
        found = dict[str, Any]()
        for more in range(SHUFFLES):
            one = self._shuffled_by(fit, self.spec.seed + more)
            if not one:
                break
            if not found or one["shuffled"].value > found["shuffled"].value:
                found = one
            if one["shuffled"].value >= self.spec.gates[SHUFFLED]:
                break
        return found

    def _shuffled_by(self, fit: Fit, seed: int) -> dict[str, Any]:
        """Nothing of a rule that gives the same whatever outcomes it is shown."""
        train, valid = with_shuffled_outcomes(self._sample(), seed)
        answer = fit(train, valid, spec=self.spec).predict(self.unseen)
        losses = self.losses(Given(answer), self.unseen)
        if losses.equals(self.own()):
            return {}
        others = (
            Always(self.spec.kind, pl.concat([train["outcome"], valid["outcome"]])),
            Given(in_another_order(answer, self.spec.seed)),
        )
        best = min((self.losses(other, self.unseen) for other in others), key=pl.Series.sum)
        found = over(self.unseen[DAY], losses, best)
        return {} if found is None else {"shuffled": found}

    def _seeds(self, fit: Fit) -> Found:
        train, valid = self._sample()
        one, other = (
            self._scores(fit(train, valid, spec=replace(self.spec, seed=self.spec.seed + more)), self.unseen)
            for more in (0, 1)
        )
        return {"seeds": change(one, other)}

    def _sample(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        return sampled(self.cut.train, TRAIN_ROWS), sampled(self.cut.valid, VALID_ROWS)

    def _scores(self, predictor: Predicts, rows: pl.DataFrame) -> pl.Series:
        return published_by(self.spec.kind, predictor, self.calibration, rows)["score"]


def skill(own: pl.Series, constant: pl.Series) -> float | None:
    """The share of the constant's loss that is removed. None if there is none to remove."""
    least = float(constant.sum())
    return 1 - float(own.sum()) / least if least else None


@dataclass(frozen=True, slots=True)
class Given:
    """A predictor whose answers are given."""

    answer: pl.Series

    def predict(self, frame: pl.DataFrame) -> pl.Series:  # noqa: ARG002  # the answers are to its rows
        return self.answer


def a_day_earlier(spec: ModelSpec, known: pl.DataFrame, features: FeatureSource) -> Earlier | None:
    """known: rows of past populations with `event_timestamp`, the instant by which each was known."""
    if not spec.feature_tables and spec.features is None:
        return None
    keys = ["score_date", "entity_key"]

    def asked(unseen: pl.DataFrame) -> pl.DataFrame:
        rows = unseen.select(keys).join(known, on=keys, how="left", maintain_order="left")
        earlier = rows.with_columns(pl.col("event_timestamp") - A_DAY)
        return features.retrieve(spec, earlier).select(*keys, *spec.inputs, "outcome")

    return asked
