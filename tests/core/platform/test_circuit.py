"""When a circuit opens: so many failures in a row, no success among them."""

from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.platform.circuit import DECISIVE, NOTHING, opens

ENDS = st.lists(st.sampled_from(DECISIVE), max_size=12)
LIMITS = st.integers(1, 6)


@given(ENDS, LIMITS)
def test_a_success_resets_the_count(ends, limit):
    assert not opens(["COMPLETED", *ends], limit)


@given(st.lists(st.sampled_from(sorted(NOTHING)), max_size=12), LIMITS)
def test_failures_and_crashes_count_alike_until_the_limit(ends, limit):
    assert opens(ends, limit) is (len(ends) >= limit)


@given(ENDS, LIMITS)
def test_what_lies_further_back_than_the_limit_changes_nothing(ends, limit):
    assert opens(ends, limit) is opens(ends[:limit], limit)
