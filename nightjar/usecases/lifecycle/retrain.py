"""Train a version on all known data, or take one from elsewhere, and measure it on days it has not seen.

Promote it if its gates pass.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from nightjar.core.content import content_sha256
from nightjar.core.errors.model import UnfitModel
from nightjar.core.kinds.figures import Figures
from nightjar.core.kinds.metrics import Of, as_rows
from nightjar.core.kinds.outputs import Calibration
from nightjar.core.lifecycle.comparing import evidence_of
from nightjar.core.lifecycle.evidence import LearnerLoss
from nightjar.core.lifecycle.gates import judged_by
from nightjar.core.lifecycle.golden import golden_rows
from nightjar.core.lifecycle.promotion import (
    Decision,
    by_limits_of,
    decide,
    in_shadow_first,
    not_again,
    outdated,
)
from nightjar.core.lifecycle.refit import earned, refit_of, window_of, windows_of
from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION
from nightjar.core.lifecycle.training_set import TimeCut, reference_sample
from nightjar.core.model.entities import Candidate, Dataset, Version
from nightjar.core.model.generations import TRAINED_ON
from nightjar.core.model.spec import ModelSpec, Predictor
from nightjar.core.ports.artifacts import Artifacts
from nightjar.core.ports.features import FeatureSource
from nightjar.core.ports.learners import Predictors
from nightjar.core.ports.progress import Progress, silent
from nightjar.core.ports.raw import RawStore
from nightjar.core.ports.registry import Registry
from nightjar.usecases.lifecycle.documents import read_evidence, store_evidence, store_rows
from nightjar.usecases.lifecycle.drawing import drawings
from nightjar.usecases.lifecycle.fitting import baseline_of, fitted
from nightjar.usecases.lifecycle.gathering import generations_of, labelled_rows, with_features
from nightjar.usecases.lifecycle.measuring import (
    calibration_of,
    estimates,
    figures,
    intervals,
    losses_on,
    measured_on,
    published_by,
    shown,
    shown_beside,
)
from nightjar.usecases.lifecycle.origins import Here, Learned, Origin
from nightjar.usecases.lifecycle.past import Past
from nightjar.usecases.lifecycle.proving import AsScored, Prover, a_day_earlier
from nightjar.usecases.lifecycle.recording import Recorder, SurroundingsOf, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainSummary:
    """The result of a retraining.

    version: the one that scores if it is promoted. judged: the one that was measured on unseen rows; the
    same, or the one whose refit scores.
    figures: what the judged version gives for unseen rows, beside what happened. left_out: reason -> number
    of rows left out of the dataset. cut: the rows by their use. baseline: fitted on the same rows. learners:
    those from which the judged one was chosen, the simplest first.
    """

    version: Version
    judged: Version
    figures: Figures
    dataset: Dataset
    promoted: bool
    decision: str
    train_rows: int
    valid_rows: int
    test_rows: int
    left_out: Mapping[str, int]
    cut: TimeCut = field(repr=False)
    baseline: Predictor = field(repr=False)
    learners: Sequence[LearnerLoss] = ()


def built_already() -> None:
    """Do nothing: the features are built already."""


def retrain(
    spec: ModelSpec,
    *,
    known_at: datetime,
    raw: RawStore,
    features: FeatureSource,
    artifacts: Artifacts,
    predictors: Predictors,
    registry: Registry,
    code_version: str,
    progress: Progress = silent,
    promote: bool = True,
    origin: Origin | None = None,
    build: Callable[[], object] = built_already,
    surroundings: SurroundingsOf = unknown,
    as_scored: AsScored | None = None,
) -> RetrainSummary:
    """Register a version trained on the outcomes recorded by `known_at`, and its refit if its gates passed.

    Each row has the features known on the evening of its own date.
    Deterministic: the same raw data, spec and libraries give the same dataset and the same model. These are
    registered only once.
    promote: True makes it, or its refit, the champion if its gates passed; False only registers it. origin:
    of the predictor; None: it is fitted here. build: builds the features of landed data. It is slow, so it is
    called only if there is enough history. surroundings: for the records of the versions.
    as_scored: to compare the newest nights of the dataset with what they are scored by; None compares none.
    Raises TooLittleHistory, NothingMatches, MissingFeatures, StoreUnavailable, ArtifactBroken. Raises
    ContractBroken for an impossible outcome. Raises WrongLearner before the long fit, for a learner that does
    not fit the kind, and CodeFailed. Raises UnfitModel if the same model is registered with another
    `trained_through`. If a version is registered already, its gates are judged by the limits of today.
    """
    origin = origin or Here(spec)
    known, left_out = labelled_rows(spec, known_at, raw, progress)
    left_out = {**left_out, **origin.cut(known, known_at).left_out}
    features.require(spec)
    build()
    generations = generations_of(spec, features)
    rows = with_features(spec, known, features, progress)
    return trained(
        Past(spec=spec, registry=registry, artifacts=artifacts, predictors=predictors),
        rows.select("score_date", "entity_key", *spec.inputs, "outcome"),
        known_at=known_at,
        origin=origin,
        code_version=code_version,
        generations=generations,
        left_out=left_out,
        progress=progress,
        promote=promote,
        surroundings=surroundings,
        prover=Prover(spec, a_day_earlier(spec, known, features), as_scored),
    )


def trained(
    past: Past,
    rows: pl.DataFrame,
    *,
    known_at: datetime,
    origin: Origin,
    code_version: str,
    generations: Mapping[str, str],
    left_out: Mapping[str, int],
    progress: Progress = silent,
    promote: bool = True,
    surroundings: SurroundingsOf = unknown,
    prover: Prover | None = None,
) -> RetrainSummary:
    """The same, given all rows that are known: `score_date`, `entity_key`, the inputs, `outcome`.

    They are sorted by the first two. generations: of the feature tables that they were read from. prover:
    None to judge by the quality alone.
    """
    spec, registry = past.spec, past.registry
    trained_on = {TRAINED_ON: generations}
    cut = origin.cut(rows, known_at)
    origin.rehearse(cut)
    champion = registry.holder(spec.name, CHAMPION)
    with progress("training steps", 4) as advance:
        dataset = _register_dataset(spec, rows, known_at, past.artifacts, registry)
        advance()
        baseline = fitted(spec, baseline_of(spec), cut)
        advance()
        learned = origin.learned(cut)
        advance()
        recorder = Recorder(spec=spec, dataset=dataset, surroundings=surroundings)
        candidate = _candidate(past, learned, recorder, prover, baseline, champion, code_version, trained_on)
        added = _added(candidate, registry)
        judged = version = by_limits_of(spec, added, read_evidence(added, past.artifacts))
        advance()
    if learned.refit is not None and earned(judged):
        with progress("fit on all that is known", 1) as advance:
            version = _refit(past, judged, learned.refit(rows), recorder, rows, cut.test, trained_on)
            advance()
    decision = _decided(past, version, champion, promote=promote)
    return RetrainSummary(
        version=version,
        judged=judged,
        figures=figures(spec.kind, learned.predictor, judged.calibration, cut.test),
        dataset=dataset,
        promoted=decision.promote and decision.role == CHAMPION,
        decision=decision.told,
        train_rows=learned.cut.train.height,
        valid_rows=learned.cut.valid.height,
        test_rows=cut.test.height,
        left_out=left_out,
        cut=cut,
        baseline=baseline,
        learners=learned.among,
    )


def _decided(past: Past, version: Version, champion: Version | None, *, promote: bool) -> Decision:
    """Decide which role the version gets, and give it that role. promote: False gives it none.

    champion: that it was judged beside. A training takes long: if a person chose another one meanwhile, the
    version gets no role.
    """
    decision = (
        decide(version, champion)
        if promote
        else Decision(promote=False, reason="promotion was not asked for")
    )
    spec, registry = past.spec, past.registry
    ledger = registry.promotions(spec.name)
    decision = not_again(decision, version, ledger)
    if spec.challenge is not None:
        challenger = registry.holder(spec.name, CHALLENGER)
        decision = in_shadow_first(decision, version, champion, challenger, ledger)
    if not decision.promote or registry.promote_beside(version, champion, decision.role, decision.reason):
        return decision
    return outdated(champion, registry.holder(spec.name, CHAMPION))


def _register_dataset(
    spec: ModelSpec, rows: pl.DataFrame, known_at: datetime, artifacts: Artifacts, registry: Registry
) -> Dataset:
    days = rows["score_date"]
    return registry.add_dataset(
        spec.name,
        content_sha256(rows),
        store_rows(rows, "dataset", artifacts)[0],
        rows.height,
        days[0],
        days[-1],
        known_at,
    )


def _candidate(
    past: Past,
    learned: Learned,
    recorder: Recorder,
    prover: Prover | None,
    baseline: Predictor,
    champion: Version | None,
    code_version: str,
    trained_on: Mapping[str, object],
) -> Candidate:
    spec, cut, predictor = past.spec, learned.cut, learned.predictor
    calibration = calibration_of(spec.kind, predictor, cut)
    own = shown(spec.kind, predictor, calibration, cut.test)
    beside = {**shown_beside(spec.kind, cut, baseline), **past.shown(champion, cut.test)}
    all_shown = {Of.VERSION: own, **beside}
    measured = measured_on(spec.kind, cut.test, all_shown)
    found = estimates(spec.kind, own.published, cut.test, measured[Of.VERSION])
    evidence = evidence_of(losses_on(spec.kind, cut.test, all_shown), spec.slices, found).model_copy(
        update={
            "learners": tuple(learned.among),
            "chosen": learned.learner,
            "proofs": prover and prover.proofs(learned, calibration),
            **drawings(spec, predictor, own.published, cut),
        }
    )
    numbers = {of.value: one.number for of, one in beside.items() if one.number is not None}
    uri, sha256 = past.predictors.save(predictor)
    evidence_uri, evidence_sha256 = store_evidence(evidence, past.artifacts)
    golden_uri, golden_sha256 = _golden(spec, predictor, calibration, cut.test, past.artifacts)
    return Candidate(
        model=spec.name,
        kind=spec.kind.name,
        classes=spec.kind.classes,
        outputs=spec.kind.outputs_by(calibration),
        calibration=calibration,
        algorithm=predictor.algorithm,
        dataset_id=recorder.dataset.id,
        artifact_uri=uri,
        artifact_sha256=sha256,
        reference_uri=_reference(spec, predictor, calibration, cut.seen, past.artifacts),
        params={**predictor.params(), **learned.record, **trained_on},
        metrics=as_rows(measured, intervals(spec.kind, found)),
        gates=judged_by(spec, evidence),
        evidence_uri=evidence_uri,
        evidence_sha256=evidence_sha256,
        golden_uri=golden_uri,
        golden_sha256=golden_sha256,
        record=recorder.record(predictor.algorithm, windows_of(cut), numbers),
        code_version=code_version,
        trained_through=learned.trained_through,
    )


def _refit(
    past: Past,
    judged: Version,
    again: Predictor,
    recorder: Recorder,
    rows: pl.DataFrame,
    unseen: pl.DataFrame,
    trained_on: Mapping[str, object],
) -> Version:
    """The refit of a judged version, registered. The judged one itself if the rows made no difference.

    again: the recipe of the judged version, fitted on `rows`. unseen: by the judged version.
    """
    uri, sha256 = past.predictors.save(again)
    if sha256 == judged.artifact_sha256:
        return judged
    golden_uri, golden_sha256 = _golden(past.spec, again, judged.calibration, unseen, past.artifacts)
    candidate = refit_of(
        judged,
        artifact_uri=uri,
        artifact_sha256=sha256,
        reference_uri=_reference(past.spec, again, judged.calibration, rows, past.artifacts),
        golden_uri=golden_uri,
        golden_sha256=golden_sha256,
        params={**again.params(), **trained_on},
        record=recorder.record(again.algorithm, {"fitted": window_of(rows)}),
        trained_through=rows["score_date"].max(),
    )
    return _added(candidate, past.registry)


def _added(candidate: Candidate, registry: Registry) -> Version:
    """Raises UnfitModel if the version is there already and has seen other dates, by what was told then."""
    version = registry.add_version(candidate)
    if version.trained_through != candidate.trained_through:
        raise UnfitModel(
            f"{candidate.model} version {version.number}",
            f"the same model is registered with the same data as trained through {version.trained_through}, "
            f"not {candidate.trained_through}",
            "Name that date, or register it by what is known on another day.",
        )
    return version


def _golden(
    spec: ModelSpec,
    predictor: Predictor,
    calibration: Calibration,
    unseen: pl.DataFrame,
    artifacts: Artifacts,
) -> tuple[str, str]:
    """Store the golden rows of a version. Return uri and sha256."""
    rows = golden_rows(unseen, spec.slices).drop("outcome")
    given = published_by(spec.kind, predictor, calibration, rows)
    return store_rows(rows.with_columns(*given), "golden", artifacts)


def _reference(
    spec: ModelSpec, predictor: Predictor, calibration: Calibration, seen: pl.DataFrame, artifacts: Artifacts
) -> str:
    """A sample of the rows that a predictor was trained on, with its scores, stored."""
    reference = reference_sample(seen)
    scored = published_by(spec.kind, predictor, calibration, reference)
    return store_rows(reference.with_columns(*spec.kind.with_class(scored)), "reference", artifacts)[0]
