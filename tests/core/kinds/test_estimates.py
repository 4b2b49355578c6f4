import math

import pytest
from scipy import stats

from nightjar.core.kinds.estimates import LEAST_NIGHTS, MOST_NIGHTS, Estimate, t_quantile

TEN = Estimate(value=1.0, nights=10, error=0.1, degrees=9)


@pytest.mark.parametrize("degrees", [2, 2.5, 8.2, 27])
def test_the_quantile_is_that_of_the_t_distribution(degrees):
    assert t_quantile(0.95, degrees) == pytest.approx(stats.t.ppf(0.95, degrees))


def test_without_an_error_the_bounds_are_endless_and_nothing_is_sure():
    few = Estimate(value=1.0, nights=3)
    assert few.within(0.05) == (-math.inf, math.inf)
    assert few.nights_lacking(2.0, 0.05, 0.8) == LEAST_NIGHTS - 3


def test_so_many_more_nights_like_these_tell_with_the_power_that_is_asked_for():
    """The error falls with the root of the nights. From then on a bound fails to tell in 20% of the cases."""
    more = TEN.nights_lacking(1.1, 0.05, 0.8)
    error = 0.1 * math.sqrt(10 / (10 + more))
    told = stats.norm.cdf((0.1 - t_quantile(0.95, 9) * error) / error)
    assert told == pytest.approx(0.8, abs=0.005)


def test_a_value_on_its_limit_asks_for_more_nights_than_are_counted():
    assert TEN.nights_lacking(1.0, 0.05, 0.8) is None
    assert TEN.nights_lacking(1.05, 0.05, 0.8) in range(10, MOST_NIGHTS)
