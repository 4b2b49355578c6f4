from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.lifecycle.recency import recency_weights

DAY = date(2013, 9, 30)


def dates(ages):
    return pl.Series("score_date", [DAY - timedelta(days=age) for age in ages])


def test_a_row_counts_half_as_much_as_one_that_is_a_half_life_newer():
    assert recency_weights(dates([180, 90, 0, 0]), 90).to_list() == [0.25, 0.5, 1, 1]


@given(st.lists(st.integers(0, 3000), min_size=1), st.floats(30, 1000))
def test_the_newest_day_counts_fully_and_no_older_day_more_than_a_newer_one(ages, half_life):
    weights = recency_weights(dates(ages), half_life).to_list()
    by_age = [weight for _, weight in sorted(zip(ages, weights, strict=True))]
    assert by_age == sorted(by_age, reverse=True)
    assert by_age[0] == 1
    assert 0 < by_age[-1] == pytest.approx(0.5 ** ((max(ages) - min(ages)) / half_life))
