"""Measure what a version must prove besides its quality, on samples of stated size."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import polars as pl
import structlog

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.outputs import Calibration
from nightjar.core.lifecycle.leakage import (
    in_another_order,
    over,
    sampled,
    skills_alone,
    with_shuffled_outcomes,
)
from nightjar.core.lifecycle.proofs import Proofs
from nightjar.core.lifecycle.training_set import DAY, TimeCut
from nightjar.core.model.judging import SHUFFLED
from nightjar.core.model.spec import Fit, ModelSpec
from nightjar.core.ports.features import FeatureSource
from nightjar.usecases.lifecycle.measuring import Always, Predicts, published_by
from nightjar.usecases.lifecycle.origins import Learned

log = structlog.get_logger(__name__)

UNSEEN_ROWS = 10_000
"""Unseen rows to measure on."""
TRAIN_ROWS, VALID_ROWS = 5_000, 2_000
"""Rows to fit on, and to choose on, where a learner is fitted once more."""
BINNED_ROWS = 20_000
"""Training rows that say what one input alone predicts."""
A_DAY = timedelta(hours=24)

Earlier = Callable[[pl.DataFrame], pl.DataFrame]
"""Unseen rows, with their features as known a day before the evening of each."""


@dataclass(frozen=True, slots=True)
class Prover:
    """earlier: None for a model without features: its population is the same whenever it is asked for."""

    spec: ModelSpec
    earlier: Earlier | None = None

    def proofs(self, learned: Learned, calibration: Calibration) -> Proofs:
        cut = learned.cut
        unseen = sampled(cut.test, UNSEEN_ROWS)
        own = self._losses(learned.predictor, calibration, unseen)
        constant = self._losses(Always(self.spec.kind, cut.seen["outcome"]), calibration, unseen)
        earlier = None if self.earlier is None else self.earlier(unseen)
        shuffled, failed = (
            (None, None) if learned.fit is None else self._shuffled(learned.fit, cut, unseen, own)
        )
        return Proofs(
            skill=skill(own, constant),
            alone=self._alone(cut, unseen),
            shuffled=shuffled,
            earlier=None
            if earlier is None
            else over(unseen[DAY], own, self._losses(learned.predictor, calibration, earlier)),
            failed={SHUFFLED: failed} if failed else {},
        )

    def _losses(self, predictor: Predicts, calibration: Calibration, rows: pl.DataFrame) -> pl.Series:
        published = published_by(self.spec.kind, predictor, calibration, rows)
        return self.spec.kind.losses(published, rows["outcome"])

    def _alone(self, cut: TimeCut, unseen: pl.DataFrame) -> dict[str, float]:
        spec, train = self.spec, sampled(cut.train, BINNED_ROWS)
        return dict(skills_alone(spec.kind, train, unseen, spec.categorical, spec.numeric))

    def _shuffled(
        self, fit: Fit, cut: TimeCut, unseen: pl.DataFrame, own: pl.Series
    ) -> tuple[Estimate | None, str | None]:
        """The loss of a learner with shuffled outcomes over that of the constant, or why it failed.

        Neither for a rule that gives the same whatever outcomes it is shown. Without a calibration: it makes
        no loss. own: the losses of the version.
        """
        parts = sampled(cut.train, TRAIN_ROWS), sampled(cut.valid, VALID_ROWS)
        train, valid = with_shuffled_outcomes(parts, self.spec.seed)
        try:
            answer = fit(train, valid, spec=self.spec).predict(unseen)
        # Libraries have their own errors, and what failed on a sample may be right on all rows.
        except Exception as error:  # noqa: BLE001
            log.warning("not_proven", gate=SHUFFLED, error=str(error))
            return None, f"the learner failed on a sample with shuffled outcomes: {error}"
        losses = self._losses(Given(answer), (), unseen)
        if losses.equals(own):
            return None, None
        others = (
            Always(self.spec.kind, pl.concat([train["outcome"], valid["outcome"]])),
            Given(in_another_order(answer, self.spec.seed)),
        )
        best = min((self._losses(other, (), unseen) for other in others), key=pl.Series.sum)
        return over(unseen[DAY], losses, best), None


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
