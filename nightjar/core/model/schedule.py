"""When a cron expression starts something."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from cronsim import CronSim, CronSimError

FIVE_FIELDS = re.compile(r"[0-9*,/-]+( [0-9*,/-]+){4}")


def is_cron(text: str) -> bool:
    """True for five fields of numbers, ranges, lists and steps, which every cron reads in the same way.

    Where both the day of month and the weekday are restricted, cron starts on either of the two. What counts
    as restricted differs between cron programs if a field says more than `*` and still begins with or lists a
    `*`. Such an expression is refused.
    """
    if FIVE_FIELDS.fullmatch(text) is None:
        return False
    try:
        CronSim(text, datetime.min)  # noqa: DTZ901  # only whether it parses
    except CronSimError:
        return False
    days = text.split(" ")[2::2]
    return "*" in days or not any("*" in field for field in days)


def once_a_day(cron: str) -> bool:
    """True if an expression that `is_cron` accepts has at most one start on a local day."""
    starts = _starts_on_every_day(cron)
    return next(starts).date() < next(starts).date()


def fires_on(cron: str, day: date) -> bool:
    """True if an expression that `is_cron` accepts has a start on this local day, at any hour."""
    # Without a zone: it is a local day, in whatever zone the schedule has.
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
    try:
        return next(CronSim(cron, midnight - timedelta(seconds=1))).date() == day
    except StopIteration:  # 30 February never comes
        return False


def starts_before(cron: str, moment: datetime) -> Iterator[datetime]:
    """The starts of an expression that `is_cron` accepts up to a local time (naive), newest first.

    Ends where the expression never starts.
    """
    yield from CronSim(cron, moment + timedelta(seconds=1), reverse=True)


def starts_after(cron: str, moment: datetime) -> Iterator[datetime]:
    """The starts of an expression that `is_cron` accepts after a local time (naive), oldest first."""
    yield from CronSim(cron, moment)


def end_of_day(day: date) -> datetime:
    """Return the last second (naive) of a local day: `starts_before` it gives all starts of the day."""
    return datetime.combine(day, time(23, 59, 59))


def starting_minute(cron: str) -> int:
    """Return the minute of the day at which an expression that `is_cron` accepts first starts something."""
    start = next(_starts_on_every_day(cron))
    return start.hour * 60 + start.minute


def _starts_on_every_day(cron: str) -> Iterator[datetime]:
    """The starts of an expression if it started on every day, from a midnight on."""
    minute, hour, *_ = cron.split(" ")
    return CronSim(f"{minute} {hour} * * *", datetime(2000, 1, 1) - timedelta(seconds=1))  # noqa: DTZ001


def at_minute(cron: str, minute: int) -> str:
    """Return the expression for the same days, at one minute of the day."""
    days = cron.split(" ", 2)[2]
    return f"{minute % 60} {minute // 60} {days}"
