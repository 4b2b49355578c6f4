import polars as pl
import pytest

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION


def test_a_binary_model_shows_the_observed_rate_beside_the_mean_score_of_each_bin():
    score = pl.Series([0.1] * 50 + [0.8] * 50)
    outcome = pl.Series([1] * 10 + [0] * 40 + [1] * 40 + [0] * 10)
    shown = BINARY.shown(score, outcome)
    assert shown.columns == ("rows", "mean score", "observed rate")
    assert shown.rows == (pytest.approx((50, 0.1, 0.2)), pytest.approx((50, 0.8, 0.8)))


def test_a_multiclass_model_shows_how_often_the_predicted_class_was_right():
    kind = multiclass("a", "b")
    outputs = pl.Series([[0.7, 0.3]] * 4, dtype=pl.List(pl.Float64))
    shown = kind.shown(pl.Series([0.7] * 4), pl.Series([0, 0, 0, 1]), outputs)
    assert shown.columns[-1] == "share of right classes"
    assert shown.rows == (pytest.approx((4, 0.7, 0.75)),)


def test_a_regression_shows_the_mean_outcome_and_the_share_within_the_interval():
    outputs = pl.Series([[0.0, 2.0]] * 4)
    shown = REGRESSION.shown(pl.Series([1.0] * 4), pl.Series([0.0, 1.0, 2.0, 5.0]), outputs)
    assert shown.columns == ("rows", "mean score", "mean outcome", "within the interval")
    assert shown.rows == (pytest.approx((4, 1.0, 2.0, 0.75)),)


def test_rows_without_an_outcome_show_nothing():
    assert BINARY.shown(pl.Series([0.5]), pl.Series([None], dtype=pl.Int8)).rows == ()
