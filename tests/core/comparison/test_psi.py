import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2

from nightjar.core.comparison.psi import SMOOTHING, reference_of


def test_it_is_the_sum_over_the_buckets():
    reference = reference_of(pl.Series(["a"] * 50 + ["b"] * 50), 100, text=True)
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
    values = pl.Series(np.random.default_rng(1).normal(size=1000))
    assert reference_of(values, 1000, text=False).psi(values) == pytest.approx(0)


def test_chance_is_the_chi_square_quantile_of_its_buckets():
    reference = reference_of(pl.Series(np.random.default_rng(1).normal(size=20_000)), 900, text=False)
    freedom = int((reference.expected > 0).sum()) - 1
    assert reference.chance(900, 0.001) == pytest.approx((1 / 900 + 1 / 20_000) * chi2.ppf(0.999, freedom))


def test_each_date_of_the_reference_has_its_own():
    values, dates = pl.Series([1.0] * 50 + [2.0] * 51), np.repeat([0, 2], [50, 51])
    reference = reference_of(values, 100, text=False)
    both = reference.psi_a_date(dates, 50)
    assert both.tolist() == [
        pytest.approx(reference.psi(some)) for some in (pl.Series([1.0] * 50), pl.Series([2.0] * 51))
    ]
    assert reference.psi_a_date(dates, 51).tolist() == both[1:].tolist()
    assert (both > 0).all()


def test_rare_and_unseen_categories_are_kept_apart():
    codes = [f"c{n}" for n in range(200)]
    reference = reference_of(pl.Series(codes * 10), 500, text=True)
    assert reference.psi(pl.Series(codes[:100] * 5)) < 0.01
    assert reference.psi(pl.Series([f"z{n}" for n in range(500)])) > 5
