"""Days of a cron expression, against the reading of the scheduler that starts the flows."""

from datetime import date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, example, given
from hypothesis import strategies as st
from prefect._vendor.croniter import croniter

from nightjar.core.model.schedule import fires_on, is_cron

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


def field(low, high):
    number = st.integers(low, high)
    spans = (
        st.lists(number, min_size=2, max_size=2, unique=True)
        .map(sorted)
        .map(lambda ends: f"{ends[0]}-{ends[1]}")
    )
    item = st.one_of(st.just("*"), number.map(str), spans)
    stepped = st.tuples(st.one_of(st.just("*"), spans), st.integers(1, 9)).map(
        lambda pair: f"{pair[0]}/{pair[1]}"
    )
    return st.just("*") | st.lists(st.one_of(item, stepped), min_size=1, max_size=3).map(",".join)


@example(days="*", months="*", weekdays="*/2", day=date(2000, 1, 3))
@example(days="1-15/3,31", months="*", weekdays="1-5", day=date(2000, 1, 3))
@given(days=field(1, 31), months=field(1, 12), weekdays=field(0, 6), day=DAYS)
def test_a_day_is_the_one_on_which_prefect_starts_a_run(days, months, weekdays, day):
    cron = f"30 21 {days} {months} {weekdays}"
    assume(is_cron(cron))
    assert fires_on(cron, day) == croniter.match(cron, datetime(day.year, day.month, day.day, 21, 30))


NO_CRON = [
    "",
    "30 21 * *",
    "30 21 * * * *",
    "60 21 * * *",
    "30 24 * * *",
    "30 21 0 * *",
    "30 21 * 13 *",
    "30 21 * * 8",
    "30 21 5-1 * *",
    "30 21 * * MON",
    "30 21 L * *",
    "30 21 * * 1#2",
    "30  21 * * *",
    " 30 21 * * *",
    "@daily",
    "30 21 */0 * *",
    "30 21 , * *",
    "30 21 -1 * *",
    "",
]


@pytest.mark.parametrize("text", NO_CRON)
def test_what_is_no_expression_in_numbers_is_refused(text):
    assert not is_cron(text)


@pytest.mark.parametrize("text", ["30 21 */2 * 1-5", "30 21 1,15 * */2", "30 21 1,* * 5", "30 21 */3 * */2"])
def test_what_cron_programs_read_differently_is_refused(text):
    assert not is_cron(text)


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Auckland"]
)
@pytest.mark.parametrize("cron", ["30 2 * * *", "30 1 * * 0", "30 21 1,15 * *", "0 0 * * 1-5"])
def test_a_change_of_the_clocks_moves_no_start_to_another_day(zone, cron):
    first = datetime(2013, 1, 1, tzinfo=ZoneInfo(zone))
    starts = CronSim(cron, first - timedelta(seconds=1))
    started = set(takewhile(lambda day: day.year == 2013, (start.date() for start in starts)))
    assert started == {
        day for day in (first.date() + timedelta(days=n) for n in range(365)) if fires_on(cron, day)
    }


@pytest.mark.parametrize("sunday", ["0", "7", "5-7", "*/7"])
def test_sunday_has_two_numbers(sunday):
    assert fires_on(f"0 23 * * {sunday}", date(2013, 6, 16))
    assert not fires_on(f"0 23 * * {sunday}", date(2013, 6, 17))


def test_every_night_is_every_night():
    assert all(fires_on("30 21 * * *", date(2012, 1, 1) + timedelta(days=n)) for n in range(366))
