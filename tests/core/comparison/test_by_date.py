"""What the date of a night says leaps where a month or a year begins, and nothing is wrong."""

import math
from datetime import date, timedelta

import pytest

from nightjar.core.comparison.by_date import explained

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
