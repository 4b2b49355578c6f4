import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from nightjar.core.monitoring.performance import against_constant, brier_skill, measure

scored = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=200)


@given(scored)
@settings(deadline=None, max_examples=150)
def test_every_metric_agrees_with_scikit_learn(rows):
    score, outcome = (np.array(column) for column in zip(*rows, strict=True))
    found = measure(pl.Series(score), pl.Series(outcome, dtype=pl.Int8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found.brier == pytest.approx(brier_score_loss(outcome, score), abs=1e-12)
        assert found.log_loss == pytest.approx(log_loss(outcome, score, labels=[0, 1]), rel=1e-9, abs=1e-12)
        if 0 < outcome.sum() < len(outcome):
            assert found.auc == pytest.approx(roc_auc_score(outcome, score), abs=1e-12)
            assert found.pr_auc == pytest.approx(average_precision_score(outcome, score), abs=1e-12)
        else:
            assert found.auc is None
            assert found.pr_auc is None


@given(scored, st.randoms())
@settings(deadline=None)
def test_no_metric_depends_on_the_order_of_rows(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    first, second = (measure(*(pl.Series(column) for column in zip(*order, strict=True))).metrics() for order in (rows, shuffled))
    assert first.keys() == second.keys()
    assert all(first[name] == pytest.approx(second[name], abs=1e-9) for name in first)


def test_calibration_error_is_the_mean_gap_over_bins_of_equal_mass():
    score = pl.Series([0.1] * 50 + [0.8] * 50)
    outcome = pl.Series([1] * 10 + [0] * 40 + [1] * 40 + [0] * 10)
    assert measure(score, outcome).ece == pytest.approx(0.05)


def test_a_constant_predictor_is_as_good_as_its_distance_to_the_base_rate():
    found = against_constant(pl.Series([1, 0, 0, 0]), 0.5)
    assert found.auc == 0.5
    assert found.ece == pytest.approx(0.25)
    assert found.brier == pytest.approx(0.25)


def test_no_rows_leave_every_metric_undefined():
    empty = measure(pl.Series([], dtype=pl.Float64), pl.Series([], dtype=pl.Int8))
    assert empty.metrics() == {"rows": 0.0}


def test_unknown_outcomes_are_left_out():
    assert measure(pl.Series([0.2, 0.9, 0.4]), pl.Series([0, None, 1])).rows == 2


@pytest.mark.parametrize("score", [[None, 0.5], [float("nan"), 0.5], [1.5, 0.5], [-0.1, 0.5], [float("inf"), 0.5]])
def test_a_score_that_is_no_probability_is_refused(score):
    with pytest.raises(ValueError, match="score"):
        measure(pl.Series(score, dtype=pl.Float64), pl.Series([0, 1]))


def test_an_outcome_beside_zero_and_one_is_refused():
    with pytest.raises(ValueError, match="outcome"):
        measure(pl.Series([0.5]), pl.Series([2]))


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="1 scores for 2 outcomes"):
        measure(pl.Series([0.5]), pl.Series([0, 1]))


def test_brier_skill_is_the_share_of_the_references_error_that_is_gone():
    outcome = pl.Series([1, 0, 0, 0])
    constant = against_constant(outcome, 0.25)
    assert brier_skill(measure(pl.Series([1.0, 0.0, 0.0, 0.0]), outcome), constant) == 1.0
    assert brier_skill(constant, constant) == 0.0
    assert brier_skill(against_constant(outcome, 1.0), constant) < 0
    assert brier_skill(constant, against_constant(pl.Series([1]), 1.0)) is None
    assert brier_skill(measure(outcome.clear().cast(pl.Float64), outcome.clear()), constant) is None
