"""Walk forward through a stretch of nights: train on what was known, judge, promote, score, measure.

Nothing of it is published, and the registry of the model is not changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import polars as pl

from nightjar.core.errors.model import TooLittleHistory
from nightjar.core.errors.settings import BadSettings
from nightjar.core.kinds.outputs import Calibration
from nightjar.core.lifecycle.backtest import (
    DAY,
    SCORED,
    WHO,
    NightMetric,
    Results,
    StepDone,
    Who,
    nightly,
    results_of,
    resumable,
)
from nightjar.core.lifecycle.walk import Plan, Step, name_of, steps_of
from nightjar.core.model.entities import Candidate, Version
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of, evening_by_now
from nightjar.core.ports.artifacts import Artifacts
from nightjar.core.ports.backtests import Backtests
from nightjar.core.ports.contracts import Check
from nightjar.core.ports.features import FeatureSource
from nightjar.core.ports.learners import Predictors
from nightjar.core.ports.progress import Progress, silent
from nightjar.core.ports.raw import RawStore
from nightjar.core.ports.registry import Registry
from nightjar.usecases.lifecycle.documents import store_rows
from nightjar.usecases.lifecycle.gathering import generations_of
from nightjar.usecases.lifecycle.lean import Lean
from nightjar.usecases.lifecycle.measuring import Always, Predicts, calibration_of, published_by
from nightjar.usecases.lifecycle.origins import Here
from nightjar.usecases.lifecycle.past import Past
from nightjar.usecases.lifecycle.proving import Prover, a_day_earlier
from nightjar.usecases.lifecycle.retrain import RetrainSummary, trained
from nightjar.usecases.lifecycle.stretch import Stretch, gathered


@dataclass(frozen=True, slots=True)
class Scores:
    """A predictor with what it needs to publish outputs."""

    predictor: Predicts
    calibration: Calibration


Rivals = Mapping[Who, Scores]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A backtest that is whole. resumed: how many of the steps were stored before.

    measured_at: outcomes recorded by this instant counted.
    """

    name: str
    plan: Plan
    steps: tuple[StepDone, ...]
    results: Results
    stretch: Stretch = field(repr=False)
    measured_at: datetime
    resumed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """registry: an empty one, for the versions of the walk alone. The other ports are those of a retraining.

    code_version: of the code that trains, for its versions. code: its parts -> their hashes, for the name.
    """

    spec: ModelSpec
    raw: RawStore
    features: FeatureSource
    artifacts: Artifacts
    predictors: Predictors
    registry: Registry
    store: Backtests
    check: Check
    code_version: str
    code: Mapping[str, str]
    progress: Progress = silent

    def walk(self, plan: Plan) -> Walked:
        """Walk a plan, or go on where an earlier walk of the same plan, data and code ended.

        The same plan gives the same results. Raises BadSettings for a stretch that has not come yet. Raises
        what a retraining raises, apart from TooLittleHistory: such a step trains nothing.
        """
        measured_at = self._measured_at(plan)
        steps = steps_of(self.spec, plan)
        stretch = self._gathered(plan, [*(step.known_at for step in steps), measured_at])
        name = name_of(plan, stretch.sha256, self.code)
        kept = resumable(self.store.steps(name), len(steps))
        for done in kept:
            self._restore(done)
        with self.progress("retrainings", len(steps)) as advance:
            advance(len(kept))
            for done, nights in self._walked(plan, steps[len(kept) :], stretch, measured_at):
                self.store.add_step(name, plan, done, nights)
                advance()
        stored = self.store.steps(name)
        results = results_of(self.spec.kind, scored_by(stored, self.artifacts))
        return Walked(
            name=name,
            plan=plan,
            steps=stored,
            results=results,
            stretch=stretch,
            measured_at=measured_at,
            resumed=len(kept),
        )

    def _measured_at(self, plan: Plan) -> datetime:
        """When the outcomes of the last night are known. Raises BadSettings if that night is to come."""
        measured_at = evening_by_now(self.spec, plan.last + timedelta(days=self.spec.maturity_days))
        if as_of(self.spec, plan.last) > measured_at:
            raise BadSettings(f"The night of {plan.last} has not come yet", "End with an earlier date.")
        return measured_at

    def _gathered(self, plan: Plan, evenings: Iterable[datetime]) -> Stretch:
        self.features.require(self.spec)
        ports = {"raw": self.raw, "features": self.features, "check": self.check}
        return gathered(self.spec, sorted(set(evenings)), plan.last, progress=self.progress, **ports)

    def _walked(
        self, plan: Plan, steps: Iterable[Step], stretch: Stretch, measured_at: datetime
    ) -> Iterator[tuple[StepDone, tuple[NightMetric, ...]]]:
        """Each step when it is done, with the metrics of its nights."""
        outcomes, rivals = stretch.outcomes_by(measured_at), dict[Who, Scores]()
        for step in steps:
            before = len(self.registry.versions(self.spec.name))
            told = self._trained(stretch, step)
            if isinstance(told, RetrainSummary):
                self._despite_gates(plan, told)
                rivals = self._rivals(told)
            scored = self._scored(stretch.nights(step.nights), outcomes, rivals)
            yield self._done(step, told, before, scored), tuple(nightly(self.spec.kind, scored))

    def _trained(self, stretch: Stretch, step: Step) -> RetrainSummary | TooLittleHistory:
        artifacts = Lean(self.artifacts)
        # A walk has no shadow: what passes its gates scores from the next night on.
        at_once = replace(self.spec, challenge=None)
        past = Past(spec=at_once, registry=self.registry, artifacts=artifacts, predictors=self.predictors)
        try:
            rows, left_out = stretch.known(step.known_at)
            return trained(
                past,
                rows,
                known_at=step.known_at,
                origin=Here(self.spec),
                code_version=self.code_version,
                generations=generations_of(self.spec, self.features),
                left_out=left_out,
                prover=Prover(
                    self.spec, a_day_earlier(self.spec, stretch.without_features(rows), self.features)
                ),
            )
        except TooLittleHistory as error:
            return error

    def _despite_gates(self, plan: Plan, summary: RetrainSummary) -> None:
        if plan.despite_gates and not summary.promoted:
            self.registry.promote(summary.version, "champion", f"despite its gates: {summary.decision}")

    def _rivals(self, summary: RetrainSummary) -> dict[Who, Scores]:
        kind, cut = self.spec.kind, summary.cut
        rivals: Mapping[Who, Predicts] = {
            Who.BASELINE: summary.baseline,
            Who.CONSTANT: Always(kind, cut.seen["outcome"]),
        }
        return {who: Scores(one, calibration_of(kind, one, cut)) for who, one in rivals.items()}

    def _champions(self) -> Rivals:
        """The champion of now and the first one."""
        ledger = [row for row in self.registry.promotions(self.spec.name) if row.role == "champion"]
        if not ledger:
            return {}
        held = {Who.CHAMPION: ledger[0], Who.NEVER_RETRAINED: ledger[-1]}
        versions = {who: self.registry.version_by_id(row.version_id) for who, row in held.items()}
        return {who: scores_of(self.spec, self.predictors, version) for who, version in versions.items()}

    def _scored(self, rows: pl.DataFrame, outcomes: pl.DataFrame, rivals: Rivals) -> pl.DataFrame:
        """Rows SCORED of nights: what each predictor gives for the rows whose outcome is known."""
        known = rows.join(outcomes, on=[DAY, "entity_key"], how="inner", maintain_order="left")
        if known.is_empty():
            return pl.DataFrame(schema=SCORED)
        given = {who: self._given(one, known) for who, one in {**self._champions(), **rivals}.items()}
        return pl.concat(
            [pl.DataFrame(schema=SCORED), *(as_scored(who, one, known) for who, one in given.items())]
        )

    def _given(self, one: Scores, rows: pl.DataFrame) -> pl.DataFrame:
        return published_by(self.spec.kind, one.predictor, one.calibration, rows)

    def _done(
        self, step: Step, told: RetrainSummary | TooLittleHistory, before: int, scored: pl.DataFrame
    ) -> StepDone:
        """before: how many versions there were before the step."""
        versions = self.registry.versions(self.spec.name)
        champion = self.registry.holder(self.spec.name, "champion")
        made = tuple(reversed(versions[: len(versions) - before]))
        uri, sha256 = store_rows(scored, "backtest", self.artifacts) if scored.height else (None, None)
        summary = told if isinstance(told, RetrainSummary) else None
        return StepDone(
            number=step.number,
            known_at=step.known_at,
            first=step.nights[0],
            last=step.nights[-1],
            decision=summary.decision if summary else f"not trained: {told}",
            dataset=summary.dataset if summary else None,
            versions=made,
            champion=champion.number if champion else None,
            promoted=bool(summary and champion and champion.id == summary.version.id),
            scores_uri=uri,
            scores_sha256=sha256,
        )

    def _restore(self, done: StepDone) -> None:
        """Bring the registry to where it was after a step."""
        if done.dataset is not None:
            self.registry.add_dataset(**done.dataset.model_dump(exclude={"id"}))
        for version in done.versions:
            self.registry.add_version(Candidate(**version.model_dump(include=set(Candidate.model_fields))))
        champion = None if done.champion is None else self.registry.version(self.spec.name, done.champion)
        if champion is not None:
            self.registry.promote(champion, "champion", done.decision)


def scores_of(spec: ModelSpec, predictors: Predictors, version: Version) -> Scores:
    return Scores(predictors.load(spec, version), version.calibration)


def as_scored(who: Who, published: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows SCORED of one predictor. rows: with their outcome."""
    return rows.select(
        DAY,
        "entity_key",
        pl.lit(who.value).alias(WHO),
        published["score"],
        published["outputs"],
        pl.col("outcome").cast(pl.Float64),
    )


def scored_by(steps: Iterable[StepDone], artifacts: Artifacts) -> pl.DataFrame:
    """The rows SCORED of stored steps. Raises ArtifactBroken."""
    files = [artifacts.get(step.scores_uri, step.scores_sha256) for step in steps if step.scores_uri]
    return pl.concat([pl.DataFrame(schema=SCORED), *(pl.read_parquet(file, glob=False) for file in files)])
