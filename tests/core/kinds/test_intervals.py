import numpy as np
import pytest
from scipy import stats

from nightjar.core.kinds.estimates import LEAST_NIGHTS
from nightjar.core.kinds.intervals import jackknife


def interval(value, without_each):
    return jackknife(value, without_each).within(0.025)


def test_of_a_mean_it_is_the_interval_of_the_means_of_dates():
    dates = np.random.default_rng(0).normal(3, 1, 12)
    without_each = [np.delete(dates, n).mean() for n in range(12)]
    wanted = stats.t.interval(0.95, 11, loc=dates.mean(), scale=stats.sem(dates))
    assert interval(dates.mean(), without_each) == pytest.approx(wanted, rel=1e-9)


def test_it_holds_the_true_value_as_often_as_it_says():
    random = np.random.default_rng(1)
    held = 0
    for _ in range(600):
        dates = random.normal(0, 1, 8)
        low, high = interval(dates.mean(), [(dates.sum() - one) / 7 for one in dates])
        held += low <= 0 <= high
    assert held / 600 == pytest.approx(0.95, abs=0.025)


def test_few_dates_or_a_date_without_which_nothing_is_defined_give_no_error():
    assert jackknife(1.0, [1.0] * (LEAST_NIGHTS - 1)).error is None
    assert jackknife(1.0, [1.0] * LEAST_NIGHTS + [None]).error is None
    assert interval(1.0, [1.0] * LEAST_NIGHTS) == (1.0, 1.0)
