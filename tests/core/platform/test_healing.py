"""Which crashed runs the server puts back in the queue: its own retries are counted, a person's are not."""

from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.platform.healing import (
    ENDED,
    GIVEN_UP,
    RETRIED,
    RETRIES_IN_ALL,
    Past,
    may_be_retried,
    retries_in_all,
)

BEGUN = [Past("SCHEDULED"), Past("PENDING"), Past("RUNNING")]
BY_THE_SERVER = Past("SCHEDULED", f"{RETRIED}, for the process had died.")
BY_HAND = Past("SCHEDULED", "Retry from the UI")
DIED = Past("CRASHED", "Flow run process exited with non-zero status code -9.")
LATE, NO_PLACE = Past("SCHEDULED"), Past("SCHEDULED")
PENDING, RUNNING = Past("PENDING"), Past("RUNNING")

HISTORIES = st.lists(
    st.sampled_from(
        [
            PENDING,
            RUNNING,
            LATE,
            BY_THE_SERVER,
            BY_HAND,
            DIED,
            Past("FAILED"),
            Past("COMPLETED"),
            Past("CANCELLED"),
            Past("PAUSED"),
        ]
    )
)


def test_a_run_whose_process_died_is_retried_once():
    assert may_be_retried([*BEGUN, DIED])
    assert not may_be_retried([*BEGUN, DIED, BY_THE_SERVER, PENDING, RUNNING, DIED])


def test_one_that_died_before_it_ran_too():
    assert may_be_retried([Past("SCHEDULED"), PENDING, Past("CRASHED", "presumed dead")])
    assert not may_be_retried([Past("SCHEDULED"), PENDING, DIED, BY_THE_SERVER, PENDING, DIED])


@given(st.lists(st.sampled_from(sorted(ENDED)), min_size=1, max_size=12))
def test_retries_by_hand_do_not_count_however_many_there_are(ends):
    by_hand = [state for end in ends for state in (Past(end), BY_HAND, PENDING, RUNNING)]
    assert may_be_retried([*BEGUN, *by_hand, DIED])


def test_a_run_that_was_healed_is_healed_again_after_a_retry_by_hand():
    healed = [*BEGUN, DIED, BY_THE_SERVER, PENDING, RUNNING]
    assert may_be_retried([*healed, DIED, BY_HAND, PENDING, RUNNING, DIED])
    assert may_be_retried([*healed, Past("COMPLETED"), BY_HAND, PENDING, RUNNING, DIED])
    assert may_be_retried([*healed, Past("PAUSED"), Past("SCHEDULED"), PENDING, RUNNING, DIED])


def test_waiting_for_a_worker_or_for_a_place_is_no_retry_by_hand():
    assert not may_be_retried([*BEGUN, DIED, BY_THE_SERVER, LATE, PENDING, NO_PLACE, PENDING, RUNNING, DIED])


def test_a_run_that_kills_each_worker_is_not_retried_for_ever_though_a_person_goes_on():
    states = [*BEGUN, DIED]
    for _ in range(RETRIES_IN_ALL):
        assert may_be_retried(states)
        states += [BY_THE_SERVER, PENDING, RUNNING, DIED, BY_HAND, PENDING, RUNNING, DIED]
    assert not may_be_retried(states)


@given(HISTORIES)
def test_no_history_leads_to_more_retries_than_there_may_be(states):
    """Whatever else happens to a run: as often as the server may, it retries it."""
    healed = list(states)
    while may_be_retried([*healed, DIED]):
        healed += [DIED, BY_THE_SERVER, PENDING, RUNNING]
    assert retries_in_all(healed) <= max(RETRIES_IN_ALL, retries_in_all(states))


@given(HISTORIES)
def test_a_run_that_was_given_up_waits_for_a_person(states):
    given_up = [*states, Past("CRASHED", f"{GIVEN_UP}, it waits for a person: it died.")]
    assert not may_be_retried(given_up)
    assert (
        may_be_retried([*given_up, BY_HAND, PENDING, RUNNING, DIED])
        or retries_in_all(states) >= RETRIES_IN_ALL
    )
