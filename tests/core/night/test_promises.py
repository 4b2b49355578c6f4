"""A night is promised by a local time, whatever the clocks do, and for every calendar of a schedule."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nightjar.core.model.spec import PublishedBy
from nightjar.core.night.promises import promised_by
from nightjar.testing.specs import toy_spec

NEW_YORK = "America/New_York"
EVENING = "30 21 * * *"


def promised(cron: str, by: time | None, now: datetime, nights: int, zone: str = NEW_YORK):
    spec = toy_spec(cron=cron, time_zone=zone, promise=None if by is None else PublishedBy(by))
    return list(islice(promised_by(spec, now.replace(tzinfo=ZoneInfo(zone))), nights))


def local(found, zone: str = NEW_YORK) -> list[str]:
    return [f"{one.score_date} by {one.by.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for one in found]


def test_a_time_before_the_start_is_that_of_the_next_morning():
    found = promised(EVENING, time(6), datetime(2013, 6, 15, 12), 2)
    assert local(found) == ["2013-06-15 by 06-15 06:00", "2013-06-14 by 06-14 06:00"]
    assert found[0].started_at == datetime(2013, 6, 15, 1, 30, tzinfo=UTC)


def test_a_time_after_the_start_is_of_the_same_day():
    assert local(promised("0 1 * * *", time(6), datetime(2013, 6, 15, 2), 1)) == ["2013-06-16 by 06-15 06:00"]


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        pytest.param(datetime(2013, 3, 10, 12), 7.5, id="clocks go forward"),
        pytest.param(datetime(2013, 11, 3, 12), 9.5, id="clocks go back"),
    ],
)
def test_a_night_in_which_the_clocks_change_is_promised_by_the_same_local_time(now, hours):
    (night,) = promised(EVENING, time(6), now, 1)
    assert night.by - night.started_at == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("now", "by"),
    [
        pytest.param(datetime(2013, 3, 10, 12), datetime(2013, 3, 10, 7, 30, tzinfo=UTC), id="never shown"),
        pytest.param(datetime(2013, 11, 3, 12), datetime(2013, 11, 3, 5, 30, tzinfo=UTC), id="shown twice"),
    ],
)
def test_a_time_that_clocks_never_show_or_show_twice_is_promised_still(now, by):
    moment = time(2, 30) if now.month == 3 else time(1, 30)
    (night,) = promised(EVENING, moment, now, 1)
    assert night.by == by


def test_a_weekly_model_is_promised_once_a_week():
    found = promised("0 22 * * 0", time(8), datetime(2013, 6, 15, 12), 2)
    assert local(found) == ["2013-06-10 by 06-10 08:00", "2013-06-03 by 06-03 08:00"]


def test_a_monthly_model_is_promised_once_a_month():
    found = promised("0 4 1 * *", time(9), datetime(2013, 3, 1, 5), 3)
    assert local(found) == [
        "2013-03-02 by 03-01 09:00",
        "2013-02-02 by 02-01 09:00",
        "2013-01-02 by 01-01 09:00",
    ]


def test_without_a_promise_a_weekly_model_has_until_the_next_start():
    found = promised("0 22 * * 0", None, datetime(2013, 6, 15, 12), 1)
    assert local(found) == ["2013-06-10 by 06-16 22:00"]


@example(cron=EVENING, zone="Pacific/Apia", by=time(0), day=date(2012, 1, 1))  # it had no 30 December 2011
@given(
    cron=st.sampled_from([EVENING, "0 1 * * *", "0 22 * * 1-5", "15 3 * * 0", "0 4 1 * *"]),
    zone=st.sampled_from([NEW_YORK, "Europe/Oslo", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"]),
    by=st.times(timezones=st.none()).map(lambda moment: moment.replace(microsecond=0)),
    day=st.dates(date(2012, 1, 1), date(2026, 12, 31)),
)
def test_each_night_that_started_is_promised_once_after_its_start_and_within_a_day(cron, zone, by, day):
    now = datetime.combine(day, time(12))
    found = promised(cron, by, now, 8, zone)
    assert len({one.score_date for one in found}) == len(found)
    assert [one.started_at for one in found] == sorted((one.started_at for one in found), reverse=True)
    assert all(one.started_at <= now.replace(tzinfo=ZoneInfo(zone)) for one in found)
    assert all(timedelta(0) < one.by - one.started_at <= timedelta(hours=25) for one in found)
