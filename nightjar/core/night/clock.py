"""Which date a schedule means, and what may be known for it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from nightjar.core.errors.settings import BadSettings, DayToCome
from nightjar.core.model.spec import ModelSpec, RawDataset
from nightjar.core.night.entities import Night
from nightjar.core.values import utc
from nightjar.core.years import YEARS


def score_date_of(spec: ModelSpec, scheduled_start: datetime) -> date:
    """The local date that a run scheduled at `scheduled_start` (aware) scores.

    It depends on the schedule alone, so a late or retried run keeps it. A model that replays a recorded year
    gets the same day of that year; 29 February becomes the 28th where the year has none.
    """
    return score_date_on(spec, local_date(spec, scheduled_start))


def score_date_on(spec: ModelSpec, day: date) -> date:
    """The date that a schedule on a local day scores."""
    scored = day + timedelta(days=spec.horizon_days)
    return scored if spec.replay_year is None else in_year(scored, spec.replay_year)


def local_date(spec: ModelSpec, moment: datetime) -> date:
    """The date of an instant (aware) in the model's zone.

    Score dates are such dates: compare no others with them.
    """
    return local_time(spec, moment).date()


def local_time(spec: ModelSpec, moment: datetime) -> datetime:
    """What the clocks of the model's zone show at an instant (aware); naive."""
    return utc(moment).astimezone(ZoneInfo(spec.time_zone)).replace(tzinfo=None)


def today_of(spec: ModelSpec, moment: datetime) -> date:
    """The local date on which the schedule of `moment` (aware) takes stock.

    It is the evening before the date that it scores.
    """
    return score_date_of(spec, moment) - timedelta(days=spec.horizon_days)


def today_from(spec: ModelSpec, given: date | None, now: datetime) -> date:
    """The local day that a person names, else that of `now`.

    Raises DayToCome for a day that has not come yet.
    """
    if given is not None and given > (today := local_date(spec, now)):
        raise DayToCome(given, today, spec.time_zone)
    return given or today_of(spec, now)


def file_days(dataset: RawDataset, time_zone: str, day: date) -> tuple[date, date]:
    """The first and the last day of the files that hold rows of a local date.

    It is that date. Of a dataset whose `day_column` holds instants, it is each UTC day that the local date
    overlaps.
    """
    if not isinstance(dataset.columns.get(dataset.day_column or ""), pl.Datetime):
        return day, day
    zone = ZoneInfo(time_zone)
    start, end = (
        datetime.combine(midnight, time(), zone).astimezone(UTC)
        for midnight in (day, day + timedelta(days=1))
    )
    return start.date(), (end - timedelta(microseconds=1)).date()


def in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def evening(spec: ModelSpec, day: date) -> datetime:
    """The UTC instant on a local day at which that day's schedule takes stock.

    It is the as-of of the night it scores.
    """
    return datetime.combine(day, spec.as_of_time, ZoneInfo(spec.time_zone)).astimezone(UTC)


def evening_by_now(spec: ModelSpec, day: date, now: datetime | None = None) -> datetime:
    """The evening of a local day (UTC), or now if that evening is still to come.

    What is measured as of an evening to come would miss corrections that land before it. now: stands in for
    the clock; UTC.
    """
    return min(evening(spec, day), (now or datetime.now(UTC)).replace(microsecond=0))


def as_of(spec: ModelSpec, score_date: date) -> datetime:
    """The UTC instant up to which anything may be known for a score date.

    Raises BadSettings for a date far from any that could be meant.
    """
    if score_date.year not in YEARS:
        raise BadSettings(
            f"The score date {score_date} is not between {YEARS.start} and {YEARS.stop - 1}", "Name another."
        )
    return evening(spec, score_date - timedelta(days=spec.horizon_days))


def wanted_until(spec: ModelSpec, last: date, now: datetime) -> datetime:
    """The UTC instant up to which data is brought in to score nights up to `last` by hand.

    It covers their as-of, and their outcomes if they are known.
    """
    return max(as_of(spec, last), min(utc(now), evening(spec, last + timedelta(days=spec.maturity_days))))


def night_of(spec: ModelSpec, score_date: date) -> Night:
    return Night(model=spec.name, score_date=score_date, as_of=as_of(spec, score_date))


def dates_between(first: date, last: date) -> tuple[date, ...]:
    """Every date from first to last, both included; none if last is before first."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
