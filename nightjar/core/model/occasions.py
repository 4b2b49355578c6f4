"""Occasions: the dates that a model's schedule scores, at most one a local day. Windows count occasions."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice

from nightjar.core.errors.settings import NoOccasion
from nightjar.core.model.rules import MOST_DAYS
from nightjar.core.model.schedule import end_of_day, fires_on, starts_before
from nightjar.core.model.spec import ModelSpec

DAY = timedelta(days=1)


def is_occasion(spec: ModelSpec, score_date: date) -> bool:
    """True if a start of the schedule scores this date."""
    return fires_on(spec.cron, score_date - timedelta(days=spec.horizon_days))


def occasions_between(spec: ModelSpec, first: date, last: date) -> tuple[date, ...]:
    """Return every occasion from first to last, both included, oldest first."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(day for day in days if is_occasion(spec, day))


def occasions_by(spec: ModelSpec, last: date) -> Iterator[date]:
    """Yield the occasions up to a date, which is included, newest first."""
    horizon = timedelta(days=spec.horizon_days)
    return (start.date() + horizon for start in starts_before(spec.cron, end_of_day(last - horizon)))


def occasions_from(spec: ModelSpec, first: date) -> Iterator[date]:
    """Yield the occasions from a date on, which is included, oldest first. Ends after a century."""
    days = (first + timedelta(days=n) for n in range(MOST_DAYS))
    return (day for day in days if is_occasion(spec, day))


def oldest_of(spec: ModelSpec, score_date: date, count: int) -> date:
    """Return the oldest of the last `count` occasions before a date; date.min if there are fewer."""
    horizon = timedelta(days=spec.horizon_days)
    start = _start_day(spec.cron, score_date - DAY - horizon, count)
    return date.min if start is None else start + horizon


@lru_cache(maxsize=256)  # a night asks for the same few dates again and again, and each start takes 0.1 ms
def _start_day(cron: str, last: date, count: int) -> date | None:
    """The day of the `count`-th start up to a day, counted back; None if there are fewer."""
    start = next(islice(starts_before(cron, end_of_day(last)), count - 1, None), None)
    return None if start is None else start.date()


def nearest(spec: ModelSpec, score_date: date) -> tuple[date, ...]:
    """Return the occasions next to a date: the last up to it, the first from it on, where there are such."""
    found = next(occasions_by(spec, score_date), None), next(occasions_from(spec, score_date), None)
    return tuple(day for day in found if day is not None)


def require_occasion(spec: ModelSpec, score_date: date) -> None:
    """Raises NoOccasion for a date that the schedule does not score. It names the nearest that it does."""
    if not is_occasion(spec, score_date):
        raise NoOccasion(spec.name, score_date, spec.cron, nearest(spec, score_date))
