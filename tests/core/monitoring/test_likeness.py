"""Past rows count by how like tonight's they are. Where only the inputs shift, that mends the estimates."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from nightjar.core.monitoring import likeness
from nightjar.core.monitoring.estimated import LEAST_ROWS, estimated
from nightjar.core.monitoring.likeness import effective_rows, weights


def rows(count, seed, cold):
    """A score that knows nothing of the cold; in the cold the event has another chance than it says."""
    random = np.random.default_rng(seed)
    score, is_cold = random.beta(2, 5, count), random.random(count) < cold
    chance = np.where(is_cold, 0.6, score)
    outcome = (random.random(count) < chance).astype(float)
    return pl.DataFrame(
        {
            "degrees": np.where(is_cold, -5.0, 15.0) + random.normal(0, 2, count),
            "coat": np.where(is_cold, "yes", "no"),
            "score": score,
            "outcome": outcome,
            "loss": (score - outcome) ** 2,
        }
    )


def auc(night):
    ranks, hits = night["score"].rank(), night["outcome"] == 1
    count = int(hits.sum())
    return (ranks.filter(hits).sum() - count * (count + 1) / 2) / (count * (night.height - count))


@pytest.mark.parametrize(("numeric", "categorical"), [(["degrees"], []), ([], ["coat"])])
def test_where_only_the_inputs_shift_pape_is_right_and_cbpe_is_not(numeric, categorical):
    past, tonight = rows(40_000, 1, cold=0.2), rows(20_000, 2, cold=0.8)
    counts = weights(past, tonight, numeric, categorical)
    cbpe = estimated(past, tonight["score"], "brier", binary=True)
    pape = estimated(past, tonight["score"], "brier", binary=True, weights=counts)
    truth = {"brier": tonight["loss"].mean(), "base_rate": tonight["outcome"].mean(), "auc": auc(tonight)}
    for metric, true in truth.items():
        assert pape[metric] == pytest.approx(true, abs=0.02), metric
        assert abs(cbpe[metric] - true) > 0.04, metric


@settings(max_examples=30, deadline=None)
@given(count=st.integers(LEAST_ROWS, 3_000), seed=st.integers(0, 100), distinct=st.integers(2, 2_000))
def test_rows_of_equal_weight_give_the_very_estimates_of_cbpe(count, seed, distinct):
    past = rows(count, seed, cold=0.3).with_columns((pl.col("score") * distinct).round() / distinct)
    tonight = rows(300, seed + 1, cold=0.3)["score"]
    assert estimated(past, tonight, "brier", binary=True) == estimated(
        past, tonight, "brier", binary=True, weights=np.ones(count)
    )


def test_a_night_like_the_past_weighs_all_rows_nearly_the_same():
    counts = weights(rows(5_000, 1, cold=0.3), rows(2_000, 2, cold=0.3), ["degrees", "score"], ["coat"])
    assert counts.mean() == pytest.approx(1)
    assert effective_rows(counts) > 0.97 * len(counts)


def test_of_a_night_that_few_past_rows_are_like_nothing_is_estimated():
    past, tonight = rows(3_000, 1, cold=0.02), rows(1_000, 2, cold=1)
    counts = weights(past, tonight, ["degrees"], ["coat"])
    assert effective_rows(counts) < LEAST_ROWS
    assert estimated(past, tonight["score"], "brier", binary=True, weights=counts) == {}


@settings(max_examples=30, deadline=None)
@given(
    past=st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=2, max_size=40),
    tonight=st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=2, max_size=40),
)
def test_weights_are_positive_and_finite_whatever_the_inputs(past, tonight):
    frames = [
        pl.DataFrame(
            {"number": side, "text": [None if x is None else f"{x:.0f}" for x in side]},
            schema={"number": pl.Float64, "text": pl.String},
        )
        for side in (past, tonight)
    ]
    counts = weights(*frames, ["number", "absent"], ["text"])
    assert np.isfinite(counts).all()
    assert (counts > 0).all()
    assert counts.mean() == pytest.approx(1)
    assert 1 <= effective_rows(counts) <= len(past) + 1e-9


def test_the_regression_is_the_one_of_scikit_learn():
    random = np.random.default_rng(3)
    inputs = np.column_stack([np.ones(800), random.normal(0, 1, (800, 5))])
    is_now = (random.random(800) < 1 / (1 + np.exp(2 - 2 * inputs[:, 1]))).astype(float)
    oracle = LogisticRegression(C=1 / likeness.PENALTY, tol=1e-10, max_iter=1_000).fit(inputs[:, 1:], is_now)
    expected = [*oracle.intercept_, *oracle.coef_[0]]
    assert likeness._fitted(inputs, is_now) == pytest.approx(np.array(expected), abs=1e-4)


def test_inputs_that_tell_the_night_from_the_past_without_an_error_give_finite_weights():
    past = pl.DataFrame({"night": np.zeros(1_000)})
    counts = weights(past, pl.DataFrame({"night": np.ones(400)}), ["night"], [])
    assert counts == pytest.approx(np.ones(1_000))


def test_a_column_of_one_value_says_nothing():
    past, tonight = (pl.DataFrame({"n": [0.1] * rows, "m": range(rows)}) for rows in (30, 20))
    assert weights(past, tonight, ["n", "m"], []) == pytest.approx(weights(past, tonight, ["m"], []))
