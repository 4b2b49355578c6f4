"""Columns that say when a night is: the month, the week of the year, a flag that is 1 on holidays.

Such a column has one value a night, and it leaps where a month or a year begins. Nothing is wrong then.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta

from nightjar.core.comparison.entities import ColumnProfile, NightProfile

LEAST_NIGHTS = 3
"""Fewer nights do not say that a column goes by the date."""
LEAST_ROWS = 10
"""Fewer rows may have one value by chance."""
LEAST_VALUES = 4
"""In so many values a night, tonight's included, a change is nothing new."""
APART = tuple(timedelta(days) for days in sorted(range(-7, 8), key=abs))
"""How far the day that a column tells may lie from the score date, as that of the as-of. Nearest first."""
TINY = 1e-9

NUMBERS: tuple[Callable[[date], int], ...] = (
    lambda day: day.weekday(),
    lambda day: day.isoweekday() % 7,
    lambda day: day.day,
    lambda day: day.timetuple().tm_yday,
    lambda day: day.isocalendar().week,
    lambda day: day.month,
    lambda day: (day.month + 2) // 3,
    lambda day: day.year,
    lambda day: day.toordinal(),
    lambda day: monthrange(day.year, day.month)[1],
    lambda day: day.day - monthrange(day.year, day.month)[1],
    lambda day: monthrange(day.year, day.month)[1] - day.day,
)
"""What a calendar says of a day. A column may begin to count elsewhere, such as at 0."""


def one_value(column: ColumnProfile) -> float | None:
    """The number that all rows of a night have, a category that is a number too; None if there is none."""
    only = None if column.nulls else _only(column)
    return _number(only) if isinstance(only, str) else only


def _only(column: ColumnProfile) -> float | str | None:
    """The only value that a column has beside missing ones; None if there are several or none."""
    if column.distinct != 1:
        return None
    return column.quantiles[0] if column.quantiles else next(iter(column.categories), None)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def columns_of_date(tonight: NightProfile, nights: Iterable[NightProfile]) -> frozenset[str]:
    """The columns whose value is what the date says, or a flag of the night.

    A night on which a column has several values is left out for the first, and counts against the second.
    """
    only = {each.column: value for each in tonight.columns if (value := one_value(each)) is not None}
    found: dict[str, dict[date, ColumnProfile]] = {name: {} for name in only}
    for night in nights:
        for each in night.columns:
            if each.column in only and night.score_date != tonight.score_date:
                found[each.column][night.score_date] = each
    return frozenset(
        name for name, value in only.items() if _says_when(tonight.score_date, value, found[name])
    )


def one_value_a_night(column: Sequence[ColumnProfile | None]) -> bool:
    """True if a column has one value a night and often another one: the price of the day, a countdown.

    column: its profiles, a night each, tonight's last; None where a night has no profile of it. It has one
    value tonight and on each of the nights before that has values. A column whose only value was seldom
    another one is not meant, nor one of a night of few rows.
    """
    tonight = column[-1]
    if tonight is None or tonight.rows < LEAST_ROWS or not tonight.values:
        return False
    values = {_only(each) for each in column if each is not None and each.values}
    return None not in values and len(values) >= LEAST_VALUES


def _says_when(score_date: date, value: float, past: Mapping[date, ColumnProfile]) -> bool:
    known = {night: one for night, each in past.items() if (one := one_value(each)) is not None}
    flags = len(known) == len(past) >= LEAST_NIGHTS and {value, *known.values()} <= {0.0, 1.0}
    return flags or explained(score_date, value, known)


def explained(score_date: date, value: float, past: Mapping[date, float]) -> bool:
    """True if the date says the value of a night as it said those of the nights before.

    past: night -> the one value that the column had. A value that is not as the date says is not explained,
    whatever the nights before had.
    """
    if len(past) < LEAST_NIGHTS:
        return False
    nights = {score_date: value, **past}
    return any(_goes_by(of_day, apart, nights) for of_day in NUMBERS for apart in APART)


def _goes_by(of_day: Callable[[date], int], apart: timedelta, nights: Mapping[date, float]) -> bool:
    """True if the values differ from what the calendar says by the same number on all nights."""
    by = (value - of_day(night + apart) for night, value in nights.items())
    first = next(by)
    return all(abs(each - first) <= TINY for each in by)
