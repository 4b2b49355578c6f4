"""Which published nights are to be measured against their outcomes, and which are measured already."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from nightjar.core.entities import NightPerformance, Publication
from nightjar.core.night import dates_between
from nightjar.core.spec import ModelSpec
from nightjar.core.training_set import last_mature_date


def itself(day: date) -> tuple[date, date]:
    return day, day


def outcome_days(score_date: date, maturity_days: int, file_days: Callable[[date], tuple[date, date]] = itself) -> tuple[date, ...]:
    """The days of the files that tell the outcomes of a score date: its own and those until maturity, in order."""
    first, last = file_days(score_date)
    return dates_between(first, max(last, score_date + timedelta(days=maturity_days)))


def outdated(
    nights: Iterable[Publication],
    kept: Mapping[int, NightPerformance],
    recorded: Mapping[date, Sequence[datetime]],
    known_at: datetime,
    maturity_days: int,
    file_days: Callable[[date], tuple[date, date]] = itself,
) -> Iterator[Publication]:
    """The nights whose measurement lacks something that is known at `known_at`.

    kept: the newest measurement by run. recorded: when each day's outcomes were delivered; a night's are in the deliveries of its own day
    and of the `maturity_days` after it. file_days: the first and the last day of the files that are about a score date.
    A night with rows whose outcome is still unknown always counts: its delivery may have landed late.
    """
    for night in nights:
        last = kept.get(night.run_id)
        days = outcome_days(night.score_date, maturity_days, file_days)
        if last is None or last.with_outcome < last.rows or any(last.measured_at < at <= known_at for day in days for at in recorded.get(day, ())):
            yield night


def complete_at(spec: ModelSpec, score_date: date, recorded: Mapping[date, Sequence[datetime]]) -> datetime | None:
    """When the newest delivery of a night's outcomes was recorded, if the night was mature by then; None: its outcomes are not known yet.

    recorded: when the deliveries of its `outcome_days` were recorded. It is what has landed that counts, not the calendar: a recorded year
    is replayed as if its later days had not come yet.
    """
    newest = max((instant for instants in recorded.values() for instant in instants), default=None)
    return newest if newest is not None and score_date <= last_mature_date(spec, newest) else None
