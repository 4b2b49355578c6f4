"""Measure what a new version predicts for unseen days, beside the others that it is compared with."""

from dataclasses import dataclass
from typing import Protocol

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import ArtifactBroken, BadSpec
from nightjar.core.kinds.figures import Figures
from nightjar.core.kinds.intervals import interval
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.metrics import Intervals, Measured, Metrics, Of
from nightjar.core.kinds.outputs import Calibration
from nightjar.core.lifecycle.training_set import TimeCut, embargo
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec, Predictor
from nightjar.core.ports.learners import Predictors


class Predicts(Protocol):
    def predict(self, frame: pl.DataFrame) -> pl.Series: ...


def measured_on_unseen(kind: Kind, cut: TimeCut, published: pl.DataFrame, baseline: Predictor) -> Measured:
    """Measure the candidate, the baseline and a constant predictor on the unseen days.

    published: by the candidate, for the unseen days.
    The constant predictor always gives the same value, taken from the seen days.
    """
    always = Always(kind, cut.seen["outcome"])
    own = _measured(kind, published, cut.test)
    constant = _of(kind, always, calibration_of(kind, always, cut), cut.test)
    return {
        Of.VERSION: {**own, **kind.skills(own, constant)},
        Of.BASELINE: _of(kind, baseline, calibration_of(kind, baseline, cut), cut.test),
        Of.CONSTANT: constant,
    }


def intervals(kind: Kind, published: pl.DataFrame, rows: pl.DataFrame, measured: Metrics) -> Intervals:
    """How uncertain each metric of what was published for rows is. measured: the metrics on these rows."""
    given = published.with_columns(rows["outcome"], rows["score_date"])
    rest = (given.filter(pl.col("score_date") != day) for day in given["score_date"].unique().sort())
    without_each = [kind.measure(left["score"], left["outcome"], left["outputs"]) for left in rest]
    found = {
        metric.name: interval(value, [left[metric.name] for left in without_each])
        for metric in kind.metrics
        if not metric.skill_of and (value := measured[metric.name]) is not None
    }
    return {name: kind.metric(name).within(*bounds) for name, bounds in found.items() if bounds is not None}


def figures(kind: Kind, predictor: Predicts, calibration: Calibration, rows: pl.DataFrame) -> Figures:
    """What a predictor gives for rows beside what happened."""
    given = published_by(kind, predictor, calibration, rows)
    return kind.shown(given["score"], rows["outcome"], given["outputs"])


def beside_champion(
    spec: ModelSpec,
    unseen: pl.DataFrame,
    predictor: Predictor,
    calibration: Calibration,
    champion: Version | None,
    predictors: Predictors,
) -> Measured:
    """Measure both versions on the unseen days that the champion cannot have seen either.

    calibration: of the predictor.
    Days whose outcomes share days with those that it was trained on are left out. The result is empty if that
    cannot be measured; then the gate fails.
    """
    if champion is None:
        return {}
    rows = unseen.filter(pl.col("score_date") > champion.trained_through + embargo(spec))
    try:
        reigning = _of(spec.kind, predictors.load(spec, champion), champion.calibration, rows)
    # The champion expects inputs that differ from the current ones, or it is of another kind.
    except (ArtifactBroken, BadSpec, ContractBroken):
        return {Of.CHAMPION: {}}
    beside = _of(spec.kind, predictor, calibration, rows)
    return {Of.CHAMPION: reigning, Of.BESIDE_CHAMPION: beside}


@dataclass(frozen=True, slots=True)
class Always:
    """A predictor that gives every row the same answer, the best one by the outcomes seen."""

    kind: Kind
    seen: pl.Series

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        return self.kind.always(self.seen, frame.height)


def calibration_of(kind: Kind, predictor: Predicts, cut: TimeCut) -> Calibration:
    """What a predictor needs to publish outputs, by the rows that choose: it was not trained on them."""
    if kind.calibrate is None:
        return ()
    return kind.calibrate(predictor.predict(cut.valid), cut.valid["outcome"])


def published_by(
    kind: Kind, predictor: Predicts, calibration: Calibration, rows: pl.DataFrame
) -> pl.DataFrame:
    return kind.published("predictions of rows to measure", predictor.predict(rows), calibration)


def _of(kind: Kind, predictor: Predicts, calibration: Calibration, rows: pl.DataFrame) -> Metrics:
    return _measured(kind, published_by(kind, predictor, calibration, rows), rows)


def _measured(kind: Kind, published: pl.DataFrame, rows: pl.DataFrame) -> Metrics:
    """The metrics of what was published for a set of rows, and the number of rows."""
    measured = kind.measure(published["score"], rows["outcome"], published["outputs"])
    return {"rows": float(rows.height), **measured}
