"""Which past nights a night is compared with."""

from datetime import date, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.comparison.comparable import (
    NEIGHBOURS,
    RECENT,
    SAME_WEEKDAY,
    WITHIN_DAYS,
    comparables,
    in_holiday_period,
    lacking,
    months_before,
    since_pause,
)
from nightjar.core.model.occasions import occasions_by
from nightjar.testing.specs import toy_spec

THURSDAY = date(2013, 7, 11)
INDEPENDENCE_DAY = date(2013, 7, 4)
DAILY = [THURSDAY - timedelta(days=n) for n in range(1, 120)]


def is_holiday(day):
    return day == INDEPENDENCE_DAY


@given(st.dates(date(2000, 1, 1), date(2090, 12, 31)), st.sets(st.integers(-10, 200)), st.data())
def test_only_ordinary_published_nights_of_the_past_are_compared(day, ages, data):
    published = {day - timedelta(days=age) for age in ages}
    odd = data.draw(st.sets(st.sampled_from(sorted(published)))) if published else set()
    found = comparables(day, published, odd=odd)
    assert set(found.every) <= published - odd
    assert all(night < day for night in found.every)
    assert all(night.weekday() == day.weekday() for night in found.alike)
    assert all((day - night).days <= WITHIN_DAYS for night in found.alike)
    assert list(found.every) == sorted(found.every, reverse=True)


def test_a_daily_model_has_nights_of_its_weekday_and_the_two_weeks_before():
    found = comparables(THURSDAY, DAILY)
    assert found.alike == tuple(THURSDAY - timedelta(weeks=n) for n in range(1, SAME_WEEKDAY + 1))
    assert found.near == tuple(DAILY[:NEIGHBOURS])


@pytest.mark.parametrize("cron", ["0 6 * * 1", "0 6 * * 1-5", "15 2 1 * *"])
def test_windows_count_nights_of_the_schedule_not_days(cron):
    spec = toy_spec(cron=cron, horizon_days=0)
    monday = date(2013, 7, 1)
    published = list(islice(occasions_by(spec, monday - timedelta(days=1)), 20))
    assert len(comparables(monday, published).near) == NEIGHBOURS


def test_a_holiday_and_the_days_around_it_are_no_comparable_nights():
    found = comparables(THURSDAY, DAILY, is_holiday=is_holiday)
    around = {INDEPENDENCE_DAY + timedelta(days=n) for n in (-1, 0, 1)}
    assert not around & set(found.every)
    assert len(found.alike) == SAME_WEEKDAY
    assert not found.holiday


def test_a_night_in_a_holiday_period_says_so():
    assert comparables(INDEPENDENCE_DAY, DAILY, is_holiday=is_holiday).holiday
    assert in_holiday_period(INDEPENDENCE_DAY + timedelta(days=1), is_holiday)
    assert not in_holiday_period(INDEPENDENCE_DAY + timedelta(days=2), is_holiday)


def test_a_night_that_was_accepted_as_odd_is_no_comparable_night():
    last_week = THURSDAY - timedelta(weeks=1)
    assert last_week not in comparables(THURSDAY, DAILY, odd={last_week}).every


def test_all_nights_of_the_weekday_within_a_quarter_are_known_odd_or_not():
    found = comparables(THURSDAY, DAILY, is_holiday=is_holiday, odd=[THURSDAY - timedelta(days=14)])
    assert len(found.quarter) == WITHIN_DAYS // 7
    assert {INDEPENDENCE_DAY, THURSDAY - timedelta(days=14)} <= {*found.quarter} - {*found.alike}


@pytest.mark.parametrize(
    ("days_before", "stands_in"), [(range(1, 8), None), (range(1, 7), 14), ((1, 2, 3, 21), None), ((), 14)]
)
def test_a_week_without_the_weekday_lacks_its_newest_night(days_before, stands_in):
    last = [THURSDAY - timedelta(days=n) for n in days_before]
    alike = [THURSDAY - timedelta(days=n) for n in (14, 21)]
    newest = lacking(THURSDAY, last, alike)
    assert newest == (None if stands_in is None else THURSDAY - timedelta(days=stands_in))
    assert lacking(THURSDAY, last, []) is None


def test_the_same_day_of_the_last_months_and_the_first_night_of_each():
    daily = [date(2013, 6, 30) - timedelta(n) for n in range(200)]
    assert months_before(date(2013, 7, 1), daily) == (date(2013, 4, 1), date(2013, 5, 1), date(2013, 6, 1))
    july = [date(2013, 7, 1), date(2013, 7, 2)]
    weekdays = [day for day in (*july, *daily) if day.weekday() < 5]
    assert months_before(date(2013, 7, 1), weekdays) == (
        date(2013, 4, 1),
        date(2013, 5, 1),
        date(2013, 6, 3),  # the first of June is a Saturday
    )
    assert months_before(date(2013, 7, 3), weekdays) == (date(2013, 4, 3), date(2013, 5, 3), date(2013, 6, 3))


def test_a_night_a_month_ago_is_no_other_one_for_a_model_that_scores_once_a_month():
    assert months_before(date(2013, 7, 1), [date(2013, month, 1) for month in range(1, 7)]) == ()


def test_a_pause_is_of_so_many_occasions_in_turn():
    daily, day, most = toy_spec(), date(2013, 6, 15), 35
    every = [day - timedelta(days=n) for n in range(1, 100)]
    assert since_pause(daily, every, day, most) == every[:most]
    before = [each - timedelta(days=RECENT) for each in every]
    assert since_pause(daily, [*every[:5], *before[5:]], day, most) == every[:5]
    shorter = [*every[:5], *before[4 : most - 1]]
    assert since_pause(daily, [*every[:5], *before[4:]], day, most) == shorter
    assert since_pause(daily, before, day, most) == []
    weekly = toy_spec(cron="0 5 * * 1")
    weeks = [day - timedelta(weeks=n) for n in range(1, 10)]
    assert since_pause(weekly, weeks, day, most) == weeks
    assert since_pause(daily, [], day, most) == []
