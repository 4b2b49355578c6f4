"""What the date of a night says leaps where a month or a year begins, and nothing is wrong."""

import math
from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.core.comparison.by_date import explained, one_value_a_night
from nightjar.core.comparison.profile import categories_of, numbers_of

DAYS = [date(2015, 12, 31) - timedelta(n) for n in range(14)]
NEW_YEAR = date(2016, 1, 1)


@pytest.mark.parametrize(
    "of_day",
    [
        lambda day: day.month,
        lambda day: day.day - 1,
        lambda day: (day - timedelta(1)).month,  # of the day on which the night starts
        lambda day: day.isocalendar().week,
        lambda day: day.timetuple().tm_yday,
        lambda day: (day - date(2010, 5, 1)).days,
    ],
)
def test_the_calendar_explains_a_leap_and_no_other_value(of_day):
    past = {day: of_day(day) for day in DAYS}
    assert explained(NEW_YEAR, of_day(NEW_YEAR), past)
    assert not explained(NEW_YEAR, of_day(NEW_YEAR) + 2, past)


def test_a_price_that_rises_and_falls_is_not_said_by_the_date():
    past = {day: round(math.sin(day.day), 2) for day in DAYS}
    assert not explained(NEW_YEAR, 0.5, past)


def test_two_nights_say_nothing():
    assert not explained(NEW_YEAR, 1, dict.fromkeys(DAYS[:2], 12))


def night(values, rows=20):
    """A night's column that has one value, or these values in turn."""
    column = pl.Series("price", values if isinstance(values, list) else [values], strict=False)
    column = pl.concat([column] * rows)
    return (categories_of if column.dtype == pl.String else numbers_of)(column, rows)


@pytest.mark.parametrize(
    ("nights", "rows", "expected"),
    [
        ([5.0, 4.0, 3.0, 9.0], 20, True),
        (["spring", "summer", "autumn", "winter"], 20, True),
        ([5.0, 4.0, None, 3.0, 9.0], 20, True),  # a night without a value says nothing
        ([5.0, 4.0, 4.0, 9.0], 20, False),  # it seldom changes
        ([5.0, 4.0, [3.0, 2.0], 1.0, 9.0], 20, False),
        ([[5.0, 4.0], 4.0, 3.0, 2.0, 1.0], 20, False),
        ([5.0, 4.0, 3.0, 9.0], 9, False),
    ],
)
def test_one_value_a_night_is_known_by_the_nights_before(nights, rows, expected):
    tonight, *past = (night(values, rows) for values in nights)
    assert one_value_a_night([*past, None, tonight]) == expected
