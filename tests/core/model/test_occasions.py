"""Occasions of any schedule: those in a range, those before a date, and what is said of another date."""

from datetime import date, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.errors.settings import NoOccasion
from nightjar.core.model.occasions import (
    is_occasion,
    occasions_between,
    occasions_by,
    occasions_from,
    oldest_of,
    require_occasion,
)
from nightjar.core.model.spec import Replay
from nightjar.testing.specs import toy_spec

CRONS = ("30 21 * * *", "0 6 * * 1-5", "0 6 * * 1", "15 2 1 * *", "0 0 31 * *")
DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))


@given(st.sampled_from(CRONS), st.integers(0, 40), DAYS, st.integers(0, 70))
def test_a_range_has_the_same_occasions_from_either_end(cron, horizon, first, days):
    spec, last = toy_spec(cron=cron, horizon_days=horizon), first + timedelta(days=days)
    found = occasions_between(spec, first, last)
    assert list(islice(occasions_by(spec, last), len(found)))[::-1] == list(found)
    assert list(islice(occasions_from(spec, first), len(found))) == list(found)
    assert all(is_occasion(spec, day) for day in found)


@given(st.sampled_from(CRONS), DAYS, st.integers(1, 4))
def test_a_window_of_occasions_begins_with_the_last_so_many_before_a_date(cron, day, count):
    spec = toy_spec(cron=cron)
    begin = oldest_of(spec, day, count)
    assert len(occasions_between(spec, begin, day - timedelta(days=1))) == count


def test_a_date_that_is_no_occasion_is_told_with_the_nearest():
    mondays = toy_spec(cron="0 6 * * 1", horizon_days=0)
    require_occasion(mondays, date(2013, 6, 17))
    with pytest.raises(NoOccasion, match=r"2013-06-19: .* The nearest: 2013-06-17 and 2013-06-24"):
        require_occasion(mondays, date(2013, 6, 19))


@given(DAYS, DAYS, st.integers(6, 3000))
def test_a_day_is_carried_over_by_whole_weeks_and_into_the_stretch(day, first, days):
    replay = Replay(first, first + timedelta(days=days))
    found = replay.of(day)
    assert replay.first <= found <= replay.last
    assert (found - day).days % 7 == 0
    following = replay.of(day + timedelta(days=1))
    assert following == found + timedelta(days=1) or following < found
