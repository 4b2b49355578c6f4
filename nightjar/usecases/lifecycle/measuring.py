"""Measure what a new version predicts for unseen days, beside the others that it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.figures import Figures
from nightjar.core.kinds.intervals import estimates_of
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.metrics import Intervals, Measured, Metrics, Of
from nightjar.core.kinds.outputs import Calibration
from nightjar.core.lifecycle.comparing import Losses
from nightjar.core.lifecycle.level import level_part
from nightjar.core.lifecycle.training_set import TimeCut


class Predicts(Protocol):
    def predict(self, frame: pl.DataFrame) -> pl.Series: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a predictor publishes for the rows that a new version has not seen.

    published: `score` and `outputs` of each row. fresh: whether the predictor has not seen the row either.
    number: of its version, if it is one.
    """

    published: pl.DataFrame
    fresh: pl.Series
    number: int | None = None

    def losses(self, kind: Kind, unseen: pl.DataFrame) -> pl.Series:
        """Null where it has seen the row."""
        return kind.losses(self.published, unseen["outcome"]).set(~self.fresh, None)

    def measured(self, kind: Kind, unseen: pl.DataFrame) -> Metrics:
        """The metrics on the rows that it has not seen, and the number of these rows."""
        return _measured(kind, self.published.filter(self.fresh), unseen.filter(self.fresh))


def shown(kind: Kind, predictor: Predicts, calibration: Calibration, rows: pl.DataFrame) -> Shown:
    """A predictor that has seen none of the rows."""
    everywhere = pl.repeat(value=True, n=rows.height, eager=True)
    return Shown(published=published_by(kind, predictor, calibration, rows), fresh=everywhere)


def shown_beside(kind: Kind, cut: TimeCut, baseline: Predicts) -> Mapping[Of, Shown]:
    """The baseline, and a constant predictor: it always gives the value that fits the seen days best."""
    beside = {Of.BASELINE: baseline, Of.CONSTANT: Always(kind, cut.seen["outcome"])}
    return {of: shown(kind, one, calibration_of(kind, one, cut), cut.test) for of, one in beside.items()}


def measured_on(kind: Kind, unseen: pl.DataFrame, all_shown: Mapping[Of, Shown]) -> Measured:
    """The metrics of each predictor, and of the version on the rows on which the champion is measured."""
    measured = {of: one.measured(kind, unseen) for of, one in all_shown.items()}
    own = measured[Of.VERSION]
    measured[Of.VERSION] = {**own, **kind.skills(own, measured[Of.CONSTANT])}
    if (champion := all_shown.get(Of.CHAMPION)) is not None:
        same = Shown(published=all_shown[Of.VERSION].published, fresh=champion.fresh)
        measured[Of.BESIDE_CHAMPION] = same.measured(kind, unseen)
    return measured


def losses_on(kind: Kind, unseen: pl.DataFrame, all_shown: Mapping[Of, Shown]) -> Losses:
    def level(other: Of, groups: pl.Series) -> pl.Series:
        fresh = all_shown[other].fresh
        ours, theirs = (all_shown[one].published.filter(fresh) for one in (Of.VERSION, other))
        part = level_part(kind, ours, theirs, unseen["outcome"].filter(fresh), groups.filter(fresh))
        return pl.repeat(None, groups.len(), dtype=pl.Float64, eager=True).scatter(fresh.arg_true(), part)

    return Losses(
        rows=unseen,
        of={of: one.losses(kind, unseen) for of, one in all_shown.items()},
        numbers={of: one.number for of, one in all_shown.items() if one.number is not None},
        level=level,
    )


def estimates(
    kind: Kind, published: pl.DataFrame, rows: pl.DataFrame, measured: Metrics
) -> Mapping[str, Estimate]:
    """Each metric of what was published for rows, with its error. measured: the metrics on these rows."""
    given = published.with_columns(rows["outcome"], rows["score_date"])
    rest = (given.filter(pl.col("score_date") != day) for day in given["score_date"].unique().sort())
    without_each = [kind.measure(left["score"], left["outcome"], left["outputs"]) for left in rest]
    names = [metric.name for metric in kind.metrics if not metric.skill_of]
    return estimates_of(names, measured, without_each)


def intervals(kind: Kind, found: Mapping[str, Estimate]) -> Intervals:
    """Of each metric whose error is known."""
    return {
        name: kind.metric(name).within(*one.shown) for name, one in found.items() if one.error is not None
    }


def figures(kind: Kind, predictor: Predicts, calibration: Calibration, rows: pl.DataFrame) -> Figures:
    """What a predictor gives for rows beside what happened."""
    given = published_by(kind, predictor, calibration, rows)
    return kind.shown(given["score"], rows["outcome"], given["outputs"])


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


def _measured(kind: Kind, published: pl.DataFrame, rows: pl.DataFrame) -> Metrics:
    """The metrics of what was published for a set of rows, and the number of rows."""
    measured = kind.measure(published["score"], rows["outcome"], published["outputs"])
    return {"rows": float(rows.height), **measured}
