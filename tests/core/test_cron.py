"""Days of a cron expression, against the reading of the scheduler that starts the flows."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prefect._vendor.croniter import croniter

from nightjar.core.cron import fires_on
from nightjar.core.spec_rules import is_cron

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


def field(low, high):
    number = st.integers(low, high)
    spans = st.lists(number, min_size=2, max_size=2, unique=True).map(sorted).map(lambda ends: f"{ends[0]}-{ends[1]}")
    item = st.one_of(st.just("*"), number.map(str), spans)
    stepped = st.tuples(st.one_of(st.just("*"), spans), st.integers(1, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    return st.lists(st.one_of(item, stepped), min_size=1, max_size=3).map(",".join)


@example(days="*/1", months="*", weekdays="*/2", day=date(2000, 1, 3))
@given(days=field(1, 31), months=field(1, 12), weekdays=field(0, 6), day=DAYS)
def test_a_day_is_the_one_on_which_prefect_starts_a_run(days, months, weekdays, day):
    cron = f"30 21 {days} {months} {weekdays}"
    assert is_cron(cron)
    assert fires_on(cron, day) == croniter.match(cron, datetime(day.year, day.month, day.day, 21, 30))


@pytest.mark.parametrize("sunday", ["0", "7", "5-7", "*/7"])
def test_sunday_has_two_numbers(sunday):
    assert fires_on(f"0 23 * * {sunday}", date(2013, 6, 16))
    assert not fires_on(f"0 23 * * {sunday}", date(2013, 6, 17))


def test_every_night_is_every_night():
    assert all(fires_on("30 21 * * *", date(2012, 1, 1) + timedelta(days=n)) for n in range(366))
