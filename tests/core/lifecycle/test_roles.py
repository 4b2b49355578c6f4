"""Who holds a role, by the ledger."""

from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION, WITHDRAWN, holder_of

ROWS = st.lists(st.tuples(st.integers(1, 3), st.sampled_from([CHAMPION, CHALLENGER, WITHDRAWN])), max_size=8)


def held(*ledger):
    """ledger: oldest first."""
    newest_first = tuple(reversed(ledger))
    return holder_of(CHAMPION, newest_first), holder_of(CHALLENGER, newest_first)


def test_a_challenger_that_becomes_champion_is_no_longer_challenger():
    assert held((1, CHAMPION), (2, CHALLENGER)) == (1, 2)
    assert held((1, CHAMPION), (2, CHALLENGER), (2, CHAMPION)) == (2, None)
    assert held((1, CHAMPION), (2, CHALLENGER), (2, CHAMPION), (1, CHAMPION)) == (1, None)


def test_a_challenger_that_was_withdrawn_may_come_back():
    assert held((1, CHAMPION), (2, CHALLENGER), (2, WITHDRAWN)) == (1, None)
    assert held((1, CHAMPION), (2, CHALLENGER), (2, WITHDRAWN), (2, CHALLENGER)) == (1, 2)


def test_another_champion_leaves_the_challenger():
    assert held((1, CHAMPION), (2, CHALLENGER), (3, CHAMPION)) == (3, 2)


@given(ROWS)
def test_the_newest_champion_holds_that_role_whatever_else_the_ledger_says(ledger):
    champions = [version for version, role in ledger if role == CHAMPION]
    assert held(*ledger)[0] == (champions[-1] if champions else None)


@given(ROWS, st.integers(1, 3))
def test_nobody_is_challenger_after_a_withdrawal(ledger, version):
    challenger = held(*ledger)[1]
    assert held(*ledger, (version, WITHDRAWN))[1] == (None if challenger == version else challenger)
