"""Which published nights are to be measured against their outcomes, and which are measured already."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from nightjar.core.entities import NightPerformance, Publication
from nightjar.core.night import dates_between


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
