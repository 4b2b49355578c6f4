import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nightjar.core.kinds.estimates import LEAST_NIGHTS
from nightjar.core.lifecycle.resampling import DRAWS, block, draws, quotient

losses = arrays.arrays(float, 12, elements=st.floats(1, 100))


def nights(mean, spread, count, seed=0):
    return np.random.default_rng(seed).normal(mean, spread, count)


@pytest.mark.parametrize("count", [5, 12, 28])
def test_each_draw_has_as_many_nights_as_there_are_and_each_night_is_as_likely(count):
    drawn = draws(count)
    assert drawn.shape == (DRAWS, count)
    assert (drawn.sum(axis=1) == count).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(count), abs=0.15)


def test_nights_are_drawn_in_blocks_of_neighbours():
    """After a night that is drawn once comes the next one, unless the block ends."""
    drawn = draws(28)
    together = (drawn[:, 0] > 0) & (drawn[:, 1] > 0)
    apart = (drawn[:, 0] > 0) & (drawn[:, 14] > 0)
    assert together.mean() > apart.mean() + 0.1
    assert block(27) == pytest.approx(3)


def test_the_error_is_that_of_the_mean_where_nights_do_not_resemble_their_neighbours():
    own, other = nights(1, 0.1, 200), np.ones(200)
    found = quotient(own, other)
    assert found.value == pytest.approx(own.mean())
    assert found.error == pytest.approx(own.std(ddof=1) / math.sqrt(200), rel=0.2)


def test_nights_that_resemble_their_neighbours_give_a_greater_error():
    waves = np.repeat(nights(0, 0.1, 40), 5)
    shuffled = np.random.default_rng(1).permutation(waves)
    assert quotient(1 + waves, np.ones(200)).error > 1.3 * quotient(1 + shuffled, np.ones(200)).error


@given(losses, losses, st.floats(0.01, 1000))
@settings(deadline=None, max_examples=50)
def test_a_quotient_has_no_unit_and_always_comes_out_alike(own, other, unit):
    found = quotient(own, other)
    assert quotient(own, other) == found
    scaled = quotient(own * unit, other * unit)
    assert scaled.value == pytest.approx(found.value)
    assert scaled.error == pytest.approx(found.error, abs=1e-9)


@given(losses)
@settings(deadline=None, max_examples=20)
def test_a_predictor_beside_itself_is_surely_as_good(own):
    found = quotient(own, own)
    assert found.within(0.05) == pytest.approx((1.0, 1.0))


def test_what_both_do_on_a_hard_night_cancels_out():
    hard = np.exp(nights(0, 1, 28))
    together = quotient(hard * (1 + nights(0, 0.01, 28)), hard)
    alone = quotient(hard, np.ones(28))
    assert together.error < 0.01
    assert alone.error > 0.1


def test_few_nights_or_a_rival_without_loss_give_no_error():
    assert quotient(np.ones(LEAST_NIGHTS - 1), np.ones(LEAST_NIGHTS - 1)).error is None
    assert quotient(np.ones(6), np.array([0, 0, 0, 0, 0, 1.0])).error is None
    assert quotient(np.ones(6), np.zeros(6)) is None
    assert quotient(np.ones(0), np.ones(0)) is None


@pytest.mark.parametrize("count", [12, 20, 28])
def test_a_bound_fails_about_as_often_as_it_says(count):
    """Nights with heavy tails, as the differences of two models have: kurtosis 5 to 8."""
    random = np.random.default_rng(5)
    series = 1 + 0.1 * random.standard_t(5, size=(1500, count))
    missed = sum(quotient(one, np.ones(count)).within(0.05)[0] > 1 for one in series)
    assert missed / len(series) == pytest.approx(0.05, abs=0.02)
