"""Which events the server need not wait for: those from before it started."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from nightjar.server.causal_ordering import made_before


def made_at(moment_ms: int, tail: int) -> UUID:
    return UUID(int=moment_ms << 80 | 7 << 76 | 2 << 62 | tail)


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**62 - 1), st.integers(0, 2**48))
def test_an_id_tells_the_millisecond_in_which_it_was_made(moment_ms, tail, other_ms):
    assert made_before(made_at(moment_ms, tail), other_ms) is (moment_ms < other_ms)


def test_an_id_that_does_not_tell_is_waited_for():
    assert not made_before(uuid4(), 2**48)
