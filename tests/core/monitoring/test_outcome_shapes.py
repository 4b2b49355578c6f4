"""The numbers that describe a column of outcomes belong together."""

import numpy as np
import pytest

from nightjar.core.monitoring.outcome_shapes import misfit


def described(days: int, seed: int = 7) -> list[list[float]]:
    """The later a day is, the fewer are early; two numbers follow, and one has a course of its own."""
    random = np.random.default_rng(seed)
    late, own = random.normal(0, 1, (2, days))
    noise = random.normal(0, 0.05, (2, days))
    return np.column_stack([late, 2 * late + noise[0], noise[1] - late, own]).tolist()


def test_what_no_day_has_had_beside_the_others_is_found_and_said():
    past = described(20)
    odd = misfit([-1.0, -2.0, -1.0, 0.0], past)
    assert odd is not None
    assert odd.place == 2
    assert odd.expected == pytest.approx(1.0, abs=0.4)
    assert odd.distance > 3
    assert min(day[2] for day in past) < -1, "by itself it is as on other days"


@pytest.mark.parametrize("days", [8, 20])
def test_ordinary_days_and_a_day_that_is_further_on_the_same_way_fit(days):
    past = described(days)
    assert all(misfit(day, past).distance < 2.5 for day in described(40, seed=8))
    assert misfit([4.0, 8.0, -4.0, 0.0], past).distance < 2.5


def test_numbers_that_hardly_change_say_nothing():
    past = [[*day, 5.0] for day in described(20)]
    assert misfit([0.0, 0.0, 0.0, 0.0, 9.0], past).place != 4
    assert misfit([1.0, 2.0, 9.0], [[1.0, 2.0, n] for n in range(9)]) is None
