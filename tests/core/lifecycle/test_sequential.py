"""The test that may be looked at after every night: it keeps alpha, whatever the nights are like."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nightjar.core.lifecycle.sequential import FIRST_BET, MOST, confidence_sequence, e_values

NUMBERS = st.floats(-1, 1).map(lambda value: value if abs(value) > 1e-9 else 0.0)
NIGHTS = arrays(np.float64, st.integers(0, 30), elements=NUMBERS)
ALPHA = 0.05
SEED = 20131231


def after(nights, *more):
    return float(e_values(np.array([*nights, *more]))[-1])


@given(NIGHTS.filter(len), NUMBERS, st.floats(0, 1))
def test_no_bet_wins_on_average_where_the_challenger_is_not_better(nights, gain, worse):
    """Two nights are equally likely: a gain, and a loss of at least the same size. It is the definition of a
    supermartingale, after any history.
    """
    ends = after(nights, gain), after(nights, -gain - worse if gain > 0 else gain - worse)
    assert (after(nights, gain) + after(nights, -gain)) / 2 == pytest.approx(after(nights), rel=1e-9)
    if gain > 0:
        assert sum(ends) / 2 <= after(nights) * (1 + 1e-9)


@given(NIGHTS, st.floats(0.01, 100))
def test_the_unit_of_the_loss_does_not_matter(nights, unit):
    assert e_values(nights * unit) == pytest.approx(e_values(nights), rel=1e-6)
    low, high = confidence_sequence(nights, ALPHA)
    assert confidence_sequence(nights * unit, ALPHA) == pytest.approx((low * unit, high * unit), rel=1e-6)


@given(NIGHTS)
def test_both_versions_are_treated_alike(nights):
    low, high = confidence_sequence(nights, ALPHA)
    assert confidence_sequence(-nights, ALPHA) == (-high, -low)
    assert low <= high


@given(NIGHTS.filter(len))
def test_the_interval_leaves_zero_exactly_when_the_test_decides(nights):
    low, _ = confidence_sequence(nights, ALPHA)
    decided = after(nights) >= 1 / ALPHA
    assert (low > 0) == decided or abs(low) < 1e-9


def test_nothing_is_bet_before_the_usual_size_of_a_difference_is_known():
    nights = np.full(FIRST_BET, 0.01)
    assert e_values(nights)[:-1] == pytest.approx(np.ones(FIRST_BET - 1))
    assert e_values(nights)[-1] > 1
    assert confidence_sequence(nights[:-1], ALPHA) == (-np.inf, np.inf)


@pytest.mark.parametrize("nights", [[], [0.0] * 40])
def test_two_equal_versions_give_no_evidence(nights):
    assert e_values(np.array(nights)) == pytest.approx(np.ones(len(nights)))
    assert confidence_sequence(np.array(nights), ALPHA) == (-np.inf, np.inf)


def test_one_night_cannot_decide():
    usual = [0.01, -0.01] * 10
    assert after(usual, 50.0) == pytest.approx(after(usual) * (1 + MOST), rel=1e-9)
    assert after(usual, -50.0) == pytest.approx(after(usual) * (1 - MOST), rel=1e-9)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(0, 0.01, 150),
        lambda rng: rng.standard_t(3, 150) * 0.01,
        lambda rng: rng.choice([-0.01, 0.01], 150),
        lambda rng: rng.normal(0, 1, 150) * np.repeat(rng.uniform(0.001, 0.1, 15), 10),
    ],
    ids=["normal", "heavy tails", "two values", "changing spread"],
)
def test_looking_every_night_keeps_alpha(draw):
    rng = np.random.default_rng(SEED)
    series = [e_values(draw(rng)) for _ in range(300)]
    assert np.mean([run[-1] for run in series]) < 1.5
    assert np.mean([run.max() >= 1 / ALPHA for run in series]) <= ALPHA


def test_a_true_gain_is_found():
    rng = np.random.default_rng(SEED)
    found = [e_values(rng.normal(0.004, 0.01, 150)).max() >= 1 / ALPHA for _ in range(100)]
    assert np.mean(found) > 0.9
