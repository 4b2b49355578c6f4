"""Which published nights are to be measured against their outcomes, and which are measured already."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from nightjar.core.lifecycle.training_set import known_days, last_mature_date
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.entities import NightPerformance
from nightjar.core.night.clock import dates_between
from nightjar.core.night.entities import Publication


@dataclass(frozen=True, slots=True)
class Wait:
    """Why nights are not measured, in words.

    lacking: what a person can bring in; None where only time helps.
    """

    why: str
    lacking: Literal["night", "outcomes"] | None = None


def itself(day: date) -> tuple[date, date]:
    return day, day


def outcome_days(
    score_date: date, maturity_days: int, file_days: Callable[[date], tuple[date, date]] = itself
) -> tuple[date, ...]:
    """The days of the files that tell the outcomes of a score date, in order.

    They are its own day and those until maturity.
    """
    first, last = file_days(score_date)
    return dates_between(first, max(last, score_date + timedelta(days=maturity_days)))


def waiting(
    spec: ModelSpec,
    nights: Collection[Publication],
    measured: Iterable[NightPerformance],
    recorded: Mapping[date, Sequence[datetime]],
    known_at: datetime,
) -> Iterator[Wait]:
    """Why published nights are not measured, or on no outcome.

    recorded: when each day's outcomes were delivered.
    """
    if not nights:
        yield Wait(f"{spec.name}: no night is published, so there is nothing to measure", "night")
    if young := [night.score_date for night in nights if night.score_date > last_mature_date(spec, known_at)]:
        yield Wait(f"not mature yet: {_told(young)}; outcomes count {spec.maturity_days} days after the date")
    if empty := [night.score_date for night in measured if not night.with_outcome]:
        landed = known_days(spec.outcome_dataset, recorded, known_at)
        yield Wait(f"no outcome known: {_told(empty)}; {landed}", "outcomes")


def _told(dates: Sequence[date]) -> str:
    first, last = min(dates), max(dates)
    return f"{first}" if first == last else f"{first} to {last} ({len(dates)} nights)"


def outdated(
    nights: Iterable[Publication],
    kept: Mapping[int, NightPerformance],
    recorded: Mapping[date, Sequence[datetime]],
    known_at: datetime,
    maturity_days: int,
    file_days: Callable[[date], tuple[date, date]] = itself,
) -> Iterator[Publication]:
    """The nights whose measurement lacks something that is known at `known_at`.

    kept: the newest measurement by run. recorded: when each day's outcomes were delivered; a night's are in
    the deliveries of its own day and of the `maturity_days` after it. file_days: the first and the last day
    of the files that are about a score date. A night with rows whose outcome is still unknown always counts:
    its delivery may have landed late.
    """
    for night in nights:
        last = kept.get(night.run_id)
        days = outcome_days(night.score_date, maturity_days, file_days)
        if (
            last is None
            or last.with_outcome < last.rows
            or any(last.measured_at < at <= known_at for day in days for at in recorded.get(day, ()))
        ):
            yield night


def complete_at(
    spec: ModelSpec, score_date: date, recorded: Mapping[date, Sequence[datetime]]
) -> datetime | None:
    """When the newest delivery of a night's outcomes was recorded, if the night was mature by then.

    None: its outcomes are not known yet.
    recorded: when the deliveries of its `outcome_days` were recorded. It is what has landed that counts, not
    the calendar: a recorded year is replayed as if its later days had not come yet.
    """
    newest = max((instant for instants in recorded.values() for instant in instants), default=None)
    return newest if newest is not None and score_date <= last_mature_date(spec, newest) else None
