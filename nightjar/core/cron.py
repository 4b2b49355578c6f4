"""On which days a cron expression starts something."""

from datetime import date

from nightjar.core.spec_rules import CRON_FIELDS, CRON_ITEM

DATES, WEEKDAYS = 31, 7


def fires_on(cron: str, day: date) -> bool:
    """Whether a cron expression that `is_cron` accepts has a start on a local day, at whatever hour.

    As in cron itself, a day of month and a weekday that both say something are alternatives. As in Prefect, one that lists all there are
    says nothing beside a `*` in the other.
    """
    days, months, weekdays = cron.split(" ")[2:]
    dates, of_week = numbers(days, *CRON_FIELDS[2]), {number % 7 for number in numbers(weekdays, *CRON_FIELDS[4])}
    by_date, by_weekday = day.day in dates, day.isoweekday() % 7 in of_week
    silent = anything(days) or anything(weekdays) or ("*" in weekdays and len(dates) == DATES) or ("*" in days and len(of_week) == WEEKDAYS)
    by_day = (by_date and by_weekday) if silent else (by_date or by_weekday)
    return by_day and day.month in numbers(months, *CRON_FIELDS[3])


def numbers(field: str, low: int, high: int) -> set[int]:
    """What a field lists: `*`, numbers and ranges, each with an optional step. A number with a step counts up to the field's end."""
    found: set[int] = set()
    for item in field.split(","):
        first, last, step = item_of(item)
        start = low if first is None else int(first)
        stop = high if first is None or (step and last is None) else int(last or first)
        found.update(range(start, stop + 1, int(step or 1)))
    return found


def item_of(item: str) -> tuple[str | None, str | None, str | None]:
    """First, last and step of one item, None where it does not say. Raises ValueError for what is none."""
    if (match := CRON_ITEM.fullmatch(item)) is None:
        raise ValueError(f"{item!r} is no item of a cron expression")
    return match[1], match[2], match[3]


def anything(field: str) -> bool:
    """Whether a field says nothing."""
    return "*" in field.split(",")
