"""The calendar of a model's nights shows every night that was attempted, and every gap."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.model.spec import Replay
from nightjar.core.night.calendar import calendar
from nightjar.core.night.clock import due_by
from nightjar.core.night.entities import Run, RunState
from nightjar.core.night.plan import Standing
from nightjar.testing.specs import toy_spec

DAY = date(2013, 6, 15)
DAYS = [DAY + timedelta(days=n) for n in range(12)]
NIGHTLY = toy_spec(cron="30 21 * * *", time_zone="America/New_York")


def standing(day, state=RunState.PUBLISHED, error=None):
    instant = datetime(2013, 6, 1, tzinfo=UTC)
    run = Run(
        id=1,
        model="toy",
        score_date=day,
        revision=1,
        attempt=1,
        state=state,
        as_of=instant,
        known_at=instant,
        version_id=1,
    )
    return Standing(run=run, error=error, published=state is RunState.PUBLISHED, held=False)


def told(entries):
    return [(str(entry.first), str(entry.last), entry.what, entry.nights) for entry in entries]


def test_gaps_held_back_nights_and_attempts_without_a_run_each_have_a_line():
    nights = {
        DAYS[0]: standing(DAYS[0], RunState.FAILED, "AuditFailed: odd"),
        DAYS[1]: standing(DAYS[1], RunState.FAILED, "BadDelivery: is truncated"),
        DAYS[2]: standing(DAYS[2]),
        DAYS[5]: standing(DAYS[5], RunState.FAILED, "AuditFailed: odd"),
        DAYS[6]: standing(DAYS[6], RunState.FAILED, "StoreUnavailable: gone"),
    }
    entries = calendar(nights, reversed(DAYS[:10]), {DAYS[8]: 2})
    assert told(entries) == [
        ("2013-06-24", "2013-06-24", "missing", 1),
        ("2013-06-23", "2013-06-23", "missing", 1),
        ("2013-06-22", "2013-06-22", "missing", 1),
        ("2013-06-21", "2013-06-21", "failed", 1),
        ("2013-06-20", "2013-06-20", "held back", 1),
        ("2013-06-18", "2013-06-19", "missing", 2),
        ("2013-06-17", "2013-06-17", "published", 1),
        ("2013-06-16", "2013-06-16", "failed", 1),
        ("2013-06-15", "2013-06-15", "held back", 1),
    ]
    assert [entry.attempts for entry in entries[:3]] == [0, 2, 0]


def test_a_model_that_was_never_in_service_misses_no_night():
    assert calendar({}, reversed(DAYS), {}) == ()
    assert told(calendar({}, reversed(DAYS), {DAYS[3]: 1})) == [("2013-06-18", "2013-06-18", "missing", 1)]


@given(
    st.dictionaries(st.sampled_from(DAYS), st.sampled_from([RunState.PUBLISHED, RunState.CLAIMED])),
    st.sets(st.sampled_from(DAYS)),
    st.dictionaries(st.sampled_from(DAYS), st.integers(1, 3)),
)
def test_every_night_is_listed_once_and_nothing_is_missing_that_was_attempted(states, due, tried):
    nights = {day: standing(day, state) for day, state in states.items()}
    entries = calendar(nights, sorted(due, reverse=True), tried)
    listed = [
        entry.first + timedelta(days=n)
        for entry in reversed(entries)
        for n in range((entry.last - entry.first).days + 1)
    ]
    assert listed == sorted(set(listed))
    assert {entry.first for entry in entries if entry.standing is not None} == set(nights)
    first = min((day for day, state in states.items() if state is RunState.PUBLISHED), default=date.max)
    missing = {day for day in due if day > first} | set(tried)
    assert sum(entry.nights for entry in entries) == len(set(nights) | missing)


def test_a_night_is_due_from_its_start_on():
    evening = datetime(2013, 6, 15, 1, 30, tzinfo=UTC)  # 21:30 of the 14th in New York
    assert list(islice(due_by(NIGHTLY, evening), 3)) == [DAY - timedelta(days=n) for n in range(3)]
    assert next(due_by(NIGHTLY, evening - timedelta(minutes=1))) == DAY - timedelta(days=1)


def test_a_weekly_model_has_no_gaps_between_its_weeks():
    weekly = toy_spec(cron="0 23 * * 0", time_zone="UTC")
    assert list(islice(due_by(weekly, datetime(2013, 6, 20, tzinfo=UTC)), 2)) == [
        date(2013, 6, 17),
        date(2013, 6, 10),
    ]


def test_a_replayed_stretch_has_no_nights_before_it_begins():
    replayed = toy_spec(time_zone="UTC", replay=Replay(date(2013, 6, 1), date(2013, 6, 15)))
    turn = datetime(2026, 11, 27, 22, tzinfo=UTC)
    assert list(due_by(replayed, turn)) == [date(2013, 6, day) for day in range(15, 1, -1)]
