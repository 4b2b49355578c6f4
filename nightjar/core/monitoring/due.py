"""Which published nights are to be measured against their outcomes, and which are measured already."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Literal

from nightjar.core.lifecycle.training_set import known_days, last_mature_date
from nightjar.core.model.spec import ModelSpec, Window
from nightjar.core.monitoring.entities import Measurement
from nightjar.core.night.clock import dates_between
from nightjar.core.night.entities import Publication
from nightjar.core.night.windows import Recorded, complete, files_of

MAY_BE_LATE = timedelta(days=2)
"""So long after they count as complete nobody is told that outcomes are missing."""


def last_due(spec: ModelSpec, known_at: datetime) -> date:
    """Return the newest score date whose outcomes should be known at an instant."""
    return last_mature_date(spec, known_at) - MAY_BE_LATE


@dataclass(frozen=True, slots=True)
class Wait:
    """Why nights are not measured, in words.

    lacking: what a person can bring in; None where only time helps.
    """

    why: str
    lacking: Literal["night", "outcomes"] | None = None


def waiting(
    spec: ModelSpec,
    nights: Collection[Publication],
    measured: Iterable[Measurement],
    recorded: Recorded,
    known_at: datetime,
) -> Iterator[Wait]:
    """Why published nights are not measured, or on no outcome. recorded: of each dataset of the outcomes."""
    if not nights:
        yield Wait(f"{spec.name}: no night is published, so there is nothing to measure", "night")
    if young := [night.score_date for night in nights if night.score_date > last_mature_date(spec, known_at)]:
        yield Wait(f"not mature yet: {_told(young)}; outcomes count {spec.maturity_days} days after the date")
    if empty := [night.score_date for night in measured if not night.with_outcome]:
        landed = "; ".join(known_days(name, days, known_at) for name, days in recorded.items())
        yield Wait(f"no outcome known: {_told(empty)}; {landed}", "outcomes")


def _told(dates: Sequence[date]) -> str:
    first, last = min(dates), max(dates)
    return f"{first}" if first == last else f"{first} to {last} ({len(dates)} nights)"


def outdated(
    spec: ModelSpec,
    nights: Iterable[Publication],
    kept: Mapping[int, Measurement],
    recorded: Recorded,
    known_at: datetime,
) -> Iterator[Publication]:
    """The nights whose measurement lacks something that is known at `known_at`.

    kept: the newest measurement by run. recorded: of each dataset of the outcomes. A night counts unless it
    was measured by the very deliveries that are there now: a correction recorded in time may land late.
    If nothing says by which it was measured, it counts if one was recorded since, or if a row has no outcome.
    """
    for night in nights:
        last = kept.get(night.run_id)
        if last is None or _lacks(spec, last, recorded, known_at):
            yield night


def _lacks(spec: ModelSpec, last: Measurement, recorded: Recorded, known_at: datetime) -> bool:
    there = deliveries_of(spec, last.score_date, recorded, known_at)
    if there is not None and last.deliveries is not None:
        return there != last.deliveries
    landed = _deliveries(spec, last.score_date, recorded)
    return last.with_outcome < last.rows or any(last.measured_at < at <= known_at for _, _, at in landed)


def deliveries_of(spec: ModelSpec, score_date: date, recorded: Recorded, known_at: datetime) -> str | None:
    """SHA-256 of which deliveries of a date's outcomes are there, of those recorded by an instant.

    While it stays the same, so do the outcomes. recorded: of each dataset of the outcomes. None if a table is
    scanned: its rows may change, and no delivery says so.
    """
    if not all(spec.dataset(window.dataset).delivered for window in spec.outcome_reads):
        return None
    landed = {each for each in _deliveries(spec, score_date, recorded) if each[2] <= known_at}
    told = (f"{dataset} {day} {at.astimezone(UTC).isoformat()}" for dataset, day, at in sorted(landed))
    return sha256("\n".join(told).encode()).hexdigest()


def _deliveries(
    spec: ModelSpec, score_date: date, recorded: Recorded
) -> Iterator[tuple[str, date, datetime]]:
    """Dataset, day, and when it was recorded, of each delivery of a date's outcomes."""
    for window in spec.outcome_reads:
        for day in dates_between(*files_of(spec, window, score_date)):
            yield from ((window.dataset, day, at) for at in recorded[window.dataset].get(day, ()))


def complete_at(spec: ModelSpec, score_date: date, recorded: Recorded) -> datetime | None:
    """The newest instant at which anything about a night's outcomes was recorded, up to its maturity.

    None: its outcomes are not complete by then.
    recorded: of each dataset of the outcomes. It is what has landed that counts, not the calendar: a recorded
    year is replayed as if its later days had not come yet.
    """
    newest = max(_until_maturity(spec, score_date, recorded), default=None)
    if newest is None or score_date > last_mature_date(spec, newest):
        return None
    return newest if complete(spec, score_date, recorded, newest) else None


def days_to_maturity(spec: ModelSpec, score_date: date, window: Window) -> tuple[date, ...]:
    """The days from the first one of a window of a date's outcomes to the date's maturity."""
    first, last = files_of(spec, window, score_date)
    return dates_between(first, max(last, score_date + timedelta(days=spec.maturity_days)))


def _until_maturity(spec: ModelSpec, score_date: date, recorded: Recorded) -> Iterator[datetime]:
    """When the deliveries of these days were recorded."""
    for window in spec.outcome_reads:
        for day in days_to_maturity(spec, score_date, window):
            yield from recorded[window.dataset].get(day, ())
