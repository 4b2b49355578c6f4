"""A walk is decided by dates alone: no version scores a night that it could know."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.core.errors.settings import BadSettings
from nightjar.core.lifecycle.walk import Plan, steps_of
from nightjar.core.model.occasions import occasions_between
from nightjar.core.night.clock import as_of
from nightjar.testing.specs import TOY, toy_spec

FIRST = date(2013, 3, 1)
CRONS = {
    "every day": "30 21 * * *",
    "on Mondays": "0 6 * * 1",
    "monthly": "0 6 1 * *",
    "weekdays": "0 1 * * 1-5",
}


def plan(retrain, days=60):
    return Plan(model="toy", first=FIRST, last=FIRST + timedelta(days=days), retrain=retrain)


@settings(max_examples=40)
@given(
    cron=st.sampled_from(sorted(CRONS.values())),
    retrain_cron=st.sampled_from(["0 4 * * 1", "0 23 * * 0", "0 5 1 * *", "30 21 * * *"]),
    retrain=st.sampled_from(
        ["scheduled", "daily", "weekly", "monthly", "never", "3 occasions", "1 occasion"]
    ),
    horizon=st.integers(0, 9),
    days=st.integers(31, 120),
)
def test_every_night_has_one_step_and_no_training_knows_more_than_the_first_night_after_it(
    cron, retrain_cron, retrain, horizon, days
):
    spec = toy_spec(cron=cron, retrain_cron=retrain_cron, horizon_days=horizon)
    wanted = plan(retrain, days)
    steps = steps_of(spec, wanted)
    nights = [night for step in steps for night in step.nights]
    assert nights == [*occasions_between(spec, wanted.first, wanted.last)]
    assert all(step.nights and step.known_at <= as_of(spec, step.nights[0]) for step in steps)
    assert [step.number for step in steps] == [*range(1, len(steps) + 1)]
    assert all(one.known_at < other.known_at for one, other in pairwise(steps))


@pytest.mark.parametrize(
    ("retrain", "sizes"),
    [
        ("daily", [1] * 14),
        ("weekly", [7, 7]),
        ("5 occasions", [5, 5, 4]),
        ("never", [14]),
        ("scheduled", [4, 7, 3]),
    ],
)
def test_a_pace_says_how_many_nights_a_training_serves(retrain, sizes):
    """The toy is retrained on Mondays at 4, and its night starts at 21:30 of the day before."""
    assert [len(step.nights) for step in steps_of(TOY, plan(retrain, 13))] == sizes


def test_a_month_begins_with_a_training():
    starts = [step.nights[0] for step in steps_of(TOY, plan("monthly", 70))]
    assert starts == [FIRST, date(2013, 4, 1), date(2013, 5, 1)]


@pytest.mark.parametrize("retrain", ["yearly", "0 occasions", "occasions", ""])
def test_a_pace_that_is_none_is_refused_with_those_that_are(retrain):
    with pytest.raises(BadSettings, match="scheduled, daily, weekly, monthly, never, N occasions"):
        steps_of(TOY, plan(retrain))


def test_a_stretch_without_a_night_is_refused():
    with pytest.raises(BadSettings, match="scores no date"):
        steps_of(toy_spec(cron="0 6 31 12 *"), plan("weekly"))
