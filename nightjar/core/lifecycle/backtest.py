"""What a walk forward gives: its steps, what each predictor scored, and how good that was."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import polars as pl
from pydantic import AwareDatetime

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.intervals import estimates_of
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.metrics import Metrics
from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.lifecycle.comparing import quotient_of
from nightjar.core.model.entities import Dataset, Version
from nightjar.core.values import Sha256, Value

DAY, WHO, LOSS = "score_date", "predictor", "loss"
BLOCKS = 30
"""A jackknife leaves out a block of neighbouring nights at a time: never more blocks than these."""
MONTHS_FROM = 120
"""A stretch of more days than these is told by the month, a shorter one by the week."""


class Who(StrEnum):
    """A predictor that scores the nights of a walk."""

    CHAMPION = "champion"
    NEVER_RETRAINED = "champion never retrained"
    """The first champion of the walk, for all later nights."""
    BASELINE = "baseline"
    """Fitted at each retraining, on the rows that the version was fitted on."""
    CONSTANT = "constant"
    """The best single answer by the outcomes that were seen at each retraining."""


SCORED = pl.Schema(
    {
        DAY: pl.Date,
        "entity_key": pl.String,
        WHO: pl.String,
        "score": pl.Float64,
        "outputs": OUTPUTS,
        "outcome": pl.Float64,
    }
)
"""Rows of nights whose outcome is known, one for each predictor."""


class StepDone(Value):
    """A step that was walked.

    first, last: its nights. decision: what became of the training, in words. dataset: that it was trained on;
    None if there was too little history. versions: those that it made, numbered within the walk. champion:
    number of the version that scored the nights; None if there was none yet. promoted: whether it is new.
    scores_uri: the rows SCORED as Parquet; None if no night has a row.
    """

    number: int
    known_at: AwareDatetime
    first: date
    last: date
    decision: str
    dataset: Dataset | None = None
    versions: tuple[Version, ...] = ()
    champion: int | None = None
    promoted: bool = False
    scores_uri: str | None = None
    scores_sha256: Sha256 | None = None


class NightMetric(Value):
    """A metric of a predictor on a night.

    value: None where it is not defined. rows: those with an outcome.
    """

    score_date: date
    predictor: Who
    metric: str
    value: float | None
    rows: int


def resumable(done: Sequence[StepDone], steps: int) -> tuple[StepDone, ...]:
    """The steps that need not be walked again.

    The rivals of the last training are not stored, so that step is walked again if later ones are missing.
    """
    if len(done) == steps:
        return tuple(done)
    trained = [place for place, step in enumerate(done) if step.dataset is not None]
    return tuple(done[: trained[-1]]) if trained else ()


def nightly(kind: Kind, scored: pl.DataFrame) -> Iterator[NightMetric]:
    """The metrics of each predictor on each night. scored: rows SCORED."""
    for (day, who), rows in scored.partition_by(DAY, WHO, as_dict=True, maintain_order=True).items():
        found = _measured(kind, rows)
        for metric in kind.nightly:
            value = found[metric.name]
            yield NightMetric(
                score_date=day, predictor=Who(who), metric=metric.name, value=value, rows=rows.height
            )


@dataclass(frozen=True, slots=True)
class Period:
    """A month or a week. metrics: of each predictor that scored it."""

    first: date
    last: date
    rows: int
    metrics: Mapping[Who, Metrics]


@dataclass(frozen=True, slots=True)
class Results:
    """How good the predictors were on the same rows: those that the champion scored.

    whole: predictor -> metric -> its value over the whole stretch, with its error. beside: predictor -> the
    loss of the champion over its loss. rows, nights: how many there were.
    """

    whole: Mapping[Who, Mapping[str, Estimate]]
    beside: Mapping[Who, Estimate | None]
    periods: tuple[Period, ...]
    rows: int
    nights: int


def results_of(kind: Kind, scored: pl.DataFrame) -> Results:
    """scored: rows SCORED of a whole walk."""
    days = scored.filter(pl.col(WHO) == Who.CHAMPION)[DAY].unique()
    same = scored.filter(pl.col(DAY).is_in(days.implode()))
    by_who = {who: rows for who in Who if (rows := same.filter(pl.col(WHO) == who)).height}
    return Results(
        whole={who: _estimates(kind, rows) for who, rows in by_who.items()},
        beside=_beside(kind, same) if by_who else {},
        periods=tuple(_periods(kind, same)),
        rows=by_who[Who.CHAMPION].height if by_who else 0,
        nights=days.len(),
    )


def _estimates(kind: Kind, rows: pl.DataFrame) -> Mapping[str, Estimate]:
    """Each metric that judges, by a jackknife over blocks of neighbouring nights."""
    days = rows[DAY].unique().sort()
    blocks = np.array_split(days.to_numpy(), min(BLOCKS, days.len()))
    rest = (rows.filter(~pl.col(DAY).is_between(block[0], block[-1])) for block in blocks)
    names = [metric.name for metric in kind.judging]
    found = estimates_of(names, _measured(kind, rows), [_measured(kind, left) for left in rest])
    return {name: one.model_copy(update={"nights": days.len()}) for name, one in found.items()}


def _beside(kind: Kind, scored: pl.DataFrame) -> Mapping[Who, Estimate | None]:
    losses = scored.with_columns(kind.losses(scored, scored["outcome"]).alias(LOSS))
    sums = losses.group_by(DAY, WHO).agg(pl.col(LOSS).sum()).pivot(WHO, index=DAY, values=LOSS).sort(DAY)
    others = (who for who in Who if who is not Who.CHAMPION and who in sums.columns)
    return {who: quotient_of(sums, Who.CHAMPION, who) for who in others}


def _periods(kind: Kind, scored: pl.DataFrame) -> Iterator[Period]:
    if scored.is_empty():
        return
    days = scored[DAY].unique().sort()
    span = (days[-1] - days[0]).days
    cut = pl.col(DAY).dt.truncate("1mo" if span >= MONTHS_FROM else "1w")
    by_period = scored.sort(DAY).with_columns(period=cut)
    for rows in by_period.partition_by("period", maintain_order=True):
        of_who = rows.partition_by(WHO, as_dict=True, maintain_order=True)
        yield Period(
            first=rows[DAY][0],
            last=rows[DAY][-1],
            rows=max(part.height for part in of_who.values()),
            metrics={Who(who): _measured(kind, part) for (who,), part in of_who.items()},
        )


def _measured(kind: Kind, rows: pl.DataFrame) -> Metrics:
    return kind.measure(rows["score"], rows["outcome"], rows["outputs"])
