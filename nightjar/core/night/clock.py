"""Dates of a schedule: the date it scores, and the instant up to which data may be known for it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import polars as pl

from nightjar.core.errors.settings import BadSettings, DayToCome
from nightjar.core.model.occasions import occasions_by
from nightjar.core.model.schedule import end_of_day, starts_before
from nightjar.core.model.spec import ModelSpec, RawDataset
from nightjar.core.night.entities import Night
from nightjar.core.values import utc
from nightjar.core.years import YEARS


def score_date_of(spec: ModelSpec, scheduled_start: datetime) -> date:
    """Return the local date that a run scheduled at `scheduled_start` (aware) scores.

    It depends only on the schedule, so a late or retried run keeps it. It is that of the last start up to the
    end of the local day: a run that a person starts on a day without a start gets that of an earlier day.
    """
    return next(_starting_by(spec, end_of_day(local_date(spec, scheduled_start))))


def due_by(spec: ModelSpec, now: datetime) -> Iterator[date]:
    """Return the score dates of the schedule's starts up to an instant (aware), newest first.

    A model that replays a recorded stretch gets the latest occasion up to the day that stands for the date.
    Its dates end where the stretch begins.
    """
    return _starting_by(spec, local_time(spec, now))


def due_before(spec: ModelSpec, scheduled_start: datetime) -> tuple[date, ...]:
    """Return the score dates that were due before that of `scheduled_start` (aware), oldest first.

    They are those of the last `catch_up` starts of the schedule. A model that replays a recorded stretch has
    none before the stretch begins.
    """
    dates = _starting_by(spec, end_of_day(local_date(spec, scheduled_start)))
    return tuple(islice(dates, 1, 1 + spec.catch_up))[::-1]


def _starting_by(spec: ModelSpec, local: datetime) -> Iterator[date]:
    """Yield the score dates of the starts up to a local time (naive), newest first."""
    return (score_date for _, score_date in starts_by(spec, local))


def starts_by(spec: ModelSpec, local: datetime) -> Iterator[tuple[datetime, date]]:
    """Yield each start up to a local time with the date that it scores, newest first. Times are naive."""
    newer: date | None = None
    for start in starts_before(spec.cron, local):
        day = carried_over(spec, start.date() + timedelta(days=spec.horizon_days))
        if spec.replay is not None:
            day = next(occasions_by(spec, day))
        if newer is not None and day > newer:
            return
        if day != newer:
            yield start, day
        newer = day


def carried_over(spec: ModelSpec, day: date) -> date:
    """Return a day of the calendar, or the day of the recorded stretch that stands for it."""
    return day if spec.replay is None else spec.replay.of(day)


def local_date(spec: ModelSpec, moment: datetime) -> date:
    """Return the date of an instant (aware) in the model's time zone.

    Score dates are such dates. Compare them only with each other.
    """
    return local_time(spec, moment).date()


def local_time(spec: ModelSpec, moment: datetime) -> datetime:
    """Return the local time (naive) of an instant (aware) in the model's time zone."""
    return utc(moment).astimezone(ZoneInfo(spec.time_zone)).replace(tzinfo=None)


def today_of(spec: ModelSpec, moment: datetime) -> date:
    """Return the local date of the as-of of the schedule at `moment` (aware).

    Its evening is before the date that is scored.
    """
    horizon = timedelta(days=spec.horizon_days)
    return carried_over(spec, local_date(spec, moment) + horizon) - horizon


def today_from(spec: ModelSpec, given: date | None, now: datetime) -> date:
    """Return the local day that a person gives, or the local day of `now`.

    Raises DayToCome for a day in the future.
    """
    if given is not None and given > (today := local_date(spec, now)):
        raise DayToCome(given, today, spec.time_zone)
    return given or today_of(spec, now)


def file_days(dataset: RawDataset, time_zone: str, day: date) -> tuple[date, date]:
    """Return the first and the last day of the files that have rows of a local date.

    Usually both are that date. If the dataset's `day_column` has instants, they are the first and the last
    UTC day that the local date overlaps.
    """
    if not isinstance(dataset.columns.get(dataset.day_column or ""), pl.Datetime):
        return day, day
    zone = ZoneInfo(time_zone)
    start, end = (
        datetime.combine(midnight, time(), zone).astimezone(UTC)
        for midnight in (day, day + timedelta(days=1))
    )
    return start.date(), (end - timedelta(microseconds=1)).date()


def evening(spec: ModelSpec, day: date) -> datetime:
    """Return the as-of (UTC) of the schedule on a local day.

    It is the as-of of the night that this schedule scores.
    """
    return datetime.combine(day, spec.as_of_time, ZoneInfo(spec.time_zone)).astimezone(UTC)


def evening_by_now(spec: ModelSpec, day: date, now: datetime | None = None) -> datetime:
    """Return the evening of a local day (UTC), or now if that evening is in the future.

    A measurement as of a future evening would miss corrections that land before it. now: replaces the clock;
    UTC.
    """
    return min(evening(spec, day), (now or datetime.now(UTC)).replace(microsecond=0))


def as_of(spec: ModelSpec, score_date: date) -> datetime:
    """Return the UTC instant up to which data may be known for a score date.

    Raises BadSettings for a date that is out of any reasonable range.
    """
    if score_date.year not in YEARS:
        raise BadSettings(
            f"The score date {score_date} is not between {YEARS.start} and {YEARS.stop - 1}", "Name another."
        )
    return evening(spec, score_date - timedelta(days=spec.horizon_days))


def wanted_until(spec: ModelSpec, last: date, now: datetime) -> datetime:
    """Return the UTC instant up to which data is loaded when a person scores nights up to `last`.

    It covers their as-of, and their outcomes if they are known.
    """
    return max(as_of(spec, last), min(utc(now), evening(spec, last + timedelta(days=spec.maturity_days))))


def night_of(spec: ModelSpec, score_date: date) -> Night:
    return Night(model=spec.name, score_date=score_date, as_of=as_of(spec, score_date))


def dates_between(first: date, last: date) -> tuple[date, ...]:
    """Return every date from first to last, both included. It is empty if last is before first."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
