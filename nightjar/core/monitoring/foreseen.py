"""What was expected of nights beside what came true, and which method has earned to be shown.

An estimate earns its place: it is shown only where it was nearer to what came true, week by week, than the
mean of the nights before was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

DAYS = 7
WEEKS = 4
"""An estimate is compared with what came true over at least so many weeks before it is shown."""
MOST_NIGHTS = 26 * DAYS
"""A record is of at most so many nights, the newest ones."""


class Method(StrEnum):
    """How a metric of a night is estimated."""

    PAPE = "PAPE"
    CBPE = "CBPE"
    TRAILING = "trailing mean"
    """The mean of the nights before: what an estimate has to beat."""


ESTIMATES = (Method.PAPE, Method.CBPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a method said of a metric of a night, before its outcomes were known, and what came true.

    value: None where it said nothing; note says why. came_true: None while it is not known.
    """

    score_date: date
    method: str
    metric: str
    value: float | None
    note: str | None
    came_true: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One metric of one night: what was estimated, what the nights before say, and what came true."""

    score_date: date
    estimate: float
    trailing: float
    truth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How an estimate did. error, trailing_error: the mean absolute error of a week's mean, and the one of
    saying the mean of the nights before. weeks: how many whole weeks were compared.
    """

    weeks: int
    error: float
    trailing_error: float

    @property
    def earned(self) -> bool:
        """True if the estimate is worth showing."""
        return self.weeks >= WEEKS and self.error < self.trailing_error


Records = Mapping[Method, Record]
"""Of the methods that have a whole week to compare."""


def record_of(nights: Sequence[Foreseen]) -> Record | None:
    """Compare by week, counted back from the newest night. None: not a whole week."""
    ordered = sorted(nights, key=lambda night: night.score_date, reverse=True)[:MOST_NIGHTS]
    weeks = [ordered[first : first + DAYS] for first in range(0, len(ordered) - DAYS + 1, DAYS)]
    if not weeks:
        return None
    return Record(
        weeks=len(weeks),
        error=_mean_error(weeks, "estimate"),
        trailing_error=_mean_error(weeks, "trailing"),
    )


def _mean_error(weeks: Sequence[Sequence[Foreseen]], said: str) -> float:
    apart = [np.mean([getattr(night, said) - night.truth for night in week]) for week in weeks]
    return float(np.abs(apart).mean())


def records_of(expected: Iterable[Expected], metric: str) -> Records:
    """The record of each method for a metric, of the nights of which everything is known."""
    of_metric = [one for one in expected if one.metric == metric]
    trailing = {one.score_date: one.value for one in of_metric if one.method == Method.TRAILING}
    found = {
        method: record_of(
            [
                Foreseen(score_date=one.score_date, estimate=one.value, trailing=before, truth=one.came_true)
                for one in of_metric
                if one.method == method
                and one.value is not None
                and one.came_true is not None
                and (before := trailing.get(one.score_date)) is not None
            ]
        )
        for method in ESTIMATES
    }
    return {method: record for method, record in found.items() if record is not None}


def shown(night: Iterable[Expected], metric: str, records: Records) -> Expected | None:
    """The estimate of a night to show for a metric: that of the best method that has earned it and has one.

    None where no method has earned it. Where none of those has an estimate, the one of the best, without a
    value.
    """
    said = {one.method: one for one in night if one.metric == metric}
    earned = [said[method] for method in by_record(records) if records[method].earned and method in said]
    return next((one for one in earned if one.value is not None), earned[0] if earned else None)


def by_record(records: Records) -> list[Method]:
    """The methods, the one first that is nearest beside what saying the mean of the nights before reaches."""
    return sorted(records, key=lambda method: records[method].error / (records[method].trailing_error or 1))


def told(title: str, records: Records, one: Expected | None) -> str:
    """Say what is expected of a metric, or why nothing is. one: as `shown` gives it."""
    if not any(record.weeks >= WEEKS for record in records.values()):
        return f"{title}: not estimated; fewer than {WEEKS} weeks of estimates have come true"
    errors = "; ".join(
        f"{method} {record.error:.4f} over {record.weeks} weeks, where the trailing mean has "
        f"{record.trailing_error:.4f}"
        for method in by_record(records)
        if (record := records[method])
    )
    if not any(record.earned for record in records.values()):
        return f"{title}: not estimated; an estimate would be no better (mean error by week: {errors})"
    if one is None or one.value is None:
        why = "it was not made" if one is None else one.note
        return f"{title}: no estimate of this night: {why} (mean error by week: {errors})"
    return f"{title}: {one.value:.4f} estimated by {one.method} (mean error by week: {errors})"
