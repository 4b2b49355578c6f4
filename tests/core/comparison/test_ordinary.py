import numpy as np
import pytest

from nightjar.core.comparison.ordinary import MIN_DISTINCT, MIN_NIGHTS, MIN_VALUES, furthest, turned_constant
from nightjar.core.model.spec import AuditLimits


def test_fewer_nights_than_needed_prove_nothing():
    assert furthest(np.array([0.1] * (MIN_NIGHTS - 1))) is None
    assert furthest(np.array([])) is None


def test_the_furthest_night_is_still_ordinary():
    assert furthest(np.array([0.1, 0.4, 0.2])) == pytest.approx(0.4)
    assert furthest(np.arange(101.0), 0.99) == pytest.approx(99)


@pytest.mark.parametrize(
    ("distinct", "least", "turned"), [(1, MIN_DISTINCT, True), (1, MIN_DISTINCT - 1, False), (2, 50, False)]
)
def test_a_column_turns_constant_only_if_it_always_had_several_values(distinct, least, turned):
    assert turned_constant(distinct, least) is turned


def test_so_many_values_are_needed_that_chance_alone_does_not_reach_the_limit_of_the_audit():
    limits = AuditLimits(max_quarantine_share=0.1, max_mean_shift=0.1, min_distinct_share=0.1)
    assert pytest.approx(limits["max_input_shift"], abs=0.01) == 1.95 / MIN_VALUES**0.5
