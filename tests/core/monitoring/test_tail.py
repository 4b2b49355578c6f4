import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.monitoring.tail import LEAST_PAST, POWER_OF_FEW, tail_of, told

probabilities = st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=12)


def test_too_few_past_distances_say_nothing():
    assert tail_of(np.append(np.arange(LEAST_PAST - 1.0), [np.nan] * 20), 0.1) is None
    assert tail_of(np.arange(float(LEAST_PAST)), 0.1) is not None


@pytest.mark.parametrize("past", [LEAST_PAST, 56])
def test_a_limit_is_reached_at_most_as_often_as_it_states(past):
    random = np.random.default_rng(7)
    draws = random.exponential(1, (3_000, past + 1))
    limits = np.array([tail_of(each[:-1], 0.0).limit(0.02) for each in draws])
    assert (draws[:, -1] > limits).mean() <= 0.035


def test_a_wider_tail_has_its_limits_as_many_times_as_far_above_the_usual_distance():
    tail = tail_of(np.linspace(0.1, 1.0, 56), 0.0)
    wider = tail.wider(2.0)
    assert wider.usual == tail.usual
    assert wider.limit(1e-3) - tail.usual == pytest.approx(2 * (tail.limit(1e-3) - tail.usual))


def test_a_column_of_few_entities_has_a_longer_tail():
    past = np.random.default_rng(7).exponential(1, 56)
    assert tail_of(past, 0.0, POWER_OF_FEW).limit(1e-4) > 2 * tail_of(past, 0.0).limit(1e-4)


def test_a_broken_night_in_the_past_hides_no_second_one():
    past = np.append(np.linspace(0.1, 1.0, 55), 500.0)
    assert tail_of(past, 0.0).probability(20.0) < 1e-4


def test_no_distance_is_told_more_finely_than_the_noise():
    assert tail_of(np.zeros(56), 0.05).probability(0.05) == pytest.approx(0.5 * 1.1**-10)


@given(st.lists(st.floats(0, 10), min_size=LEAST_PAST, max_size=60), st.floats(1e-6, 0.5), st.floats(0.01, 1))
def test_limit_and_probability_are_each_other_s_inverse(past, probability, noise):
    tail = tail_of(np.array(past), noise)
    assert tail.probability(tail.limit(probability)) == pytest.approx(probability, rel=1e-6)


@given(probabilities, st.floats(0.001, 0.2))
def test_what_is_told_has_at_most_the_limit_and_the_others_have_more(found, rate):
    names, limit = told(found, rate)
    assert names == {name for name, value in found.items() if value <= limit}
    assert limit <= rate


def test_one_column_of_ten_is_told_at_a_tenth_of_the_rate_and_all_of_them_at_the_rate():
    assert told({"a": 0.001, **{str(n): 0.5 for n in range(9)}}, 0.02)[0] == {"a"}
    assert told({"a": 0.003, **{str(n): 0.5 for n in range(9)}}, 0.02) == (frozenset(), 0.002)
    assert len(told({str(n): 0.019 for n in range(10)}, 0.02)[0]) == 10
