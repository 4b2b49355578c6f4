"""What ends too often is given up; what had recovered begins anew."""

from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.platform.supervision import POLICY, RestartPolicy

SHORT, STEADY = 1.0, POLICY.steady_s


def pauses(lives: list[float], policy: RestartPolicy = POLICY) -> list[float | None]:
    """The pause after each of the lives."""
    return [policy.pause_s(lives[: n + 1]) for n in range(len(lives))]


def test_pauses_grow_up_to_a_longest_one_and_then_it_is_given_up():
    assert pauses([SHORT] * 9) == [1, 2, 4, 8, 16, 32, 60, 60, None]


def test_a_steady_life_begins_a_new_row():
    assert pauses([SHORT, SHORT, STEADY, SHORT, SHORT, STEADY, STEADY]) == [1, 2, 1, 2, 4, 1, 1]


@given(lives=st.lists(st.floats(0, 2 * STEADY), min_size=1), restarts=st.integers(1, 12))
def test_between_steady_lives_there_are_at_most_so_many_restarts_and_no_pause_is_shorter_than_the_one_before(
    lives, restarts
):
    policy = RestartPolicy(restarts=restarts)
    row: list[float | None] = []
    for life, pause in zip(lives, pauses(lives, policy), strict=True):
        row = [pause] if life >= STEADY else [*row, pause]
        assert (pause is None) == (len(row) > restarts)
        waits = [wait for wait in row if wait is not None]
        assert waits == sorted(waits)
        assert max(waits, default=0) <= policy.longest_pause_s
