import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2

from nightjar.core.comparison.psi import SMOOTHING, CategorySample, NumberSample


def test_it_is_the_sum_over_the_buckets():
    reference = CategorySample(pl.Series(["a"] * 50 + ["b"] * 50)).reference(100)
    count = reference.buckets.count
    assert count == 4, "the two categories, one bucket for rare ones and one for unseen ones"

    def smooth(share):
        return (share + SMOOTHING) / (1 + SMOOTHING * count)

    night = pl.Series(["a"] * 80 + ["b"] * 20)
    expected = sum(
        (smooth(p) - smooth(q)) * math.log(smooth(p) / smooth(q)) for p, q in ((0.8, 0.5), (0.2, 0.5))
    )
    assert reference.psi(night) == pytest.approx(expected)


def test_the_same_rows_have_none():
    values = np.random.default_rng(1).normal(size=1000)
    assert NumberSample(values).reference(1000).psi(values) == pytest.approx(0)


def test_chance_is_the_chi_square_quantile_of_its_buckets():
    reference = NumberSample(np.random.default_rng(1).normal(size=20_000)).reference(900)
    freedom = int((reference.expected > 0).sum()) - 1
    assert reference.chance(900, 0.001) == pytest.approx((1 / 900 + 1 / 20_000) * chi2.ppf(0.999, freedom))


def test_each_date_of_the_reference_has_its_own():
    values, dates = np.array([1.0] * 50 + [2.0] * 51), np.repeat([0, 2], [50, 51])
    reference = NumberSample(values).reference(100)
    both = reference.psi_a_date(dates, 50)
    assert both.tolist() == [
        pytest.approx(reference.psi(some)) for some in (np.array([1.0] * 50), np.array([2.0] * 51))
    ]
    assert reference.psi_a_date(dates, 51).tolist() == both[1:].tolist()
    assert (both > 0).all()


def test_rare_and_unseen_categories_are_kept_apart():
    codes = [f"c{n}" for n in range(200)]
    reference = CategorySample(pl.Series(codes * 10)).reference(500)
    assert reference.psi(pl.Series(codes[:100] * 5)) < 0.01
    assert reference.psi(pl.Series([f"z{n}" for n in range(500)])) > 5
