"""What did not arrive is tried again, ever more rarely, and never given up."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.telling.retrying import FIRST_PAUSE, LONGEST_PAUSE, Pending, pause

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers(1, 10_000))
def test_pauses_grow_from_seconds_to_an_hour(attempts):
    assert FIRST_PAUSE <= pause(attempts) <= pause(attempts + 1) <= LONGEST_PAUSE


def test_the_pause_doubles():
    assert [pause(attempts) / FIRST_PAUSE for attempts in (1, 2, 3, 4)] == [1, 2, 4, 8]


def test_a_message_is_due_at_once_and_after_a_failure_when_its_pause_is_over():
    assert Pending("news").due(NOW)
    failed = Pending("news", attempts=3, tried_at=NOW)
    assert not failed.due(NOW + 4 * FIRST_PAUSE - timedelta(microseconds=1))
    assert failed.due(NOW + 4 * FIRST_PAUSE)


def test_a_clock_that_was_set_back_holds_up_nothing_and_one_that_is_a_little_behind_still_pauses():
    failed = Pending("news", attempts=1, tried_at=NOW)
    assert failed.due(NOW - timedelta(days=1))
    assert not failed.due(NOW - timedelta(seconds=30))
