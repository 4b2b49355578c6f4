from datetime import UTC, date, datetime, timedelta

import pytest

from nightjar.core.desk.calendar import State, days, state_of
from nightjar.core.desk.entities import NightSeen

DAY = date(2013, 10, 8)
NOON = datetime(2013, 10, 8, 12, tzinfo=UTC)


def night(**changes):
    given = {
        "score_date": DAY,
        "run_id": 1,
        "revision": 1,
        "state": "published",
        "model_version": 1,
        "repairs_run": None,
        "switched": False,
        "population": 10,
        "scored": 10,
        "quarantined": 0,
        "claimed_at": NOON,
        "ended_at": NOON,
        "flow_run": None,
        "error": None,
        "action": "publish",
        "reason": None,
        "findings": [],
        "published_at": NOON,
        "first_published_at": NOON,
        "newer": None,
        "newer_state": None,
        "newer_error": None,
    }
    return NightSeen(**given | changes)


UNPUBLISHED = {"action": None, "published_at": None, "first_published_at": None}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.PUBLISHED),
        ({"repairs_run": 7}, State.REPAIRED),
        ({"repairs_run": 7, "switched": True}, State.ROLLED_BACK),
        ({"action": "rollback"}, State.ROLLED_BACK),
        ({"findings": ["half of the rows are missing"]}, State.ACCEPTED),
        ({**UNPUBLISHED, "state": "claimed"}, State.RUNNING),
        ({**UNPUBLISHED, "state": "failed", "error": "AuditFailed: half of it"}, State.HELD_BACK),
        ({**UNPUBLISHED, "state": "failed", "error": "StoreUnavailable: gone"}, State.FAILED),
        ({**UNPUBLISHED, "state": "failed", "error": "NoPopulation: nothing landed"}, State.FAILED),
        ({**UNPUBLISHED, "state": "abandoned"}, State.FAILED),
    ],
)
def test_each_night_has_one_state(changes, state):
    assert state_of(night(**changes), None) is state


@pytest.mark.parametrize(
    ("state", "error", "newer"),
    [
        (None, None, None),
        ("claimed", None, State.RUNNING),
        ("failed", "AuditFailed: half of it", State.HELD_BACK),
        ("failed", "StoreUnavailable: gone", State.FAILED),
        ("failed", "ContractBroken: toy lacks a column", State.FAILED),
    ],
)
def test_a_newer_run_of_a_published_night_has_a_state_of_its_own(state, error, newer):
    (day,) = days([night(newer=state and 2, newer_state=state, newer_error=error)])
    assert (day.state, day.newer) == (State.PUBLISHED, newer)


def test_a_night_is_late_after_the_instant_that_was_promised():
    assert state_of(night(), NOON) is State.PUBLISHED
    assert state_of(night(), NOON - timedelta(seconds=1)) is State.LATE


def test_a_night_that_was_published_in_time_is_not_late_because_it_was_scored_again():
    again = night(revision=2, published_at=NOON + timedelta(days=3))
    assert state_of(again, NOON) is State.PUBLISHED


def test_a_night_that_was_due_and_never_begun_is_missing():
    due = [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
    found = [*days([night()], due)]
    assert [(day.score_date, day.state) for day in found] == [
        (due[0], State.MISSING),
        (due[1], State.PUBLISHED),
        (due[2], State.MISSING),
    ]
    assert found[0].night is None
