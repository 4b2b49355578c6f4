import warnings
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.classification import auc, auc_of, steps_of

scored = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1), st.integers(0, 1)),
    min_size=1,
    max_size=200,
)


@given(scored)
@settings(deadline=None, max_examples=150)
def test_every_metric_agrees_with_scikit_learn(rows):
    score, outcome = (np.array(column) for column in zip(*rows, strict=True))
    found = BINARY.measure(pl.Series(score), pl.Series(outcome, dtype=pl.Int8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found["brier"] == pytest.approx(brier_score_loss(outcome, score), abs=1e-12)
        assert found["log_loss"] == pytest.approx(
            log_loss(outcome, score, labels=[0, 1]), rel=1e-9, abs=1e-12
        )
        if 0 < outcome.sum() < len(outcome):
            assert found["auc"] == pytest.approx(roc_auc_score(outcome, score), abs=1e-12)
            assert found["pr_auc"] == pytest.approx(average_precision_score(outcome, score), abs=1e-12)
        else:
            assert found["auc"] is None
            assert found["pr_auc"] is None


@given(scored, st.randoms())
@settings(deadline=None)
def test_no_metric_depends_on_the_order_of_rows(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    first, second = (
        BINARY.measure(*(pl.Series(column) for column in zip(*order, strict=True)))
        for order in (rows, shuffled)
    )
    assert first.keys() == second.keys()
    assert all(
        first[name] == pytest.approx(second[name], abs=1e-9) for name in first if first[name] is not None
    )


def test_calibration_error_is_the_mean_gap_over_bins_of_equal_mass():
    score = pl.Series([0.1] * 50 + [0.8] * 50)
    outcome = pl.Series([1] * 10 + [0] * 40 + [1] * 40 + [0] * 10)
    assert BINARY.measure(score, outcome)["ece"] == pytest.approx(0.05)


def always(score, outcome):
    return BINARY.measure(pl.repeat(score, outcome.len(), dtype=pl.Float64, eager=True), outcome)


def test_a_constant_predictor_is_as_good_as_its_distance_to_the_base_rate():
    outcome = pl.Series([1, 0, 0, 0])
    assert BINARY.constant(outcome) == 0.25
    found = always(0.5, outcome)
    assert found["auc"] == 0.5
    assert found["ece"] == pytest.approx(0.25)
    assert found["brier"] == pytest.approx(0.25)


def test_no_rows_leave_every_metric_undefined():
    empty = BINARY.measure(pl.Series([], dtype=pl.Float64), pl.Series([], dtype=pl.Int8))
    assert empty == dict.fromkeys(("base_rate", "mean_score", "auc", "pr_auc", "brier", "ece", "log_loss"))


def test_unknown_outcomes_are_left_out():
    assert BINARY.measure(pl.Series([0.2, 0.9, 0.4]), pl.Series([0, None, 1]))["mean_score"] == pytest.approx(
        0.3
    )


@pytest.mark.parametrize(
    "score", [[None, 0.5], [float("nan"), 0.5], [1.5, 0.5], [-0.1, 0.5], [float("inf"), 0.5]]
)
def test_a_score_that_is_no_probability_is_refused(score):
    scores = pl.Series("score", score, dtype=pl.Float64)
    with pytest.raises(
        ValueError, match=f"1 of 2 values of score are not valid, the first is {score[0]}: .* from 0 to 1"
    ):
        BINARY.measure(scores, pl.Series([0, 1]))
    with pytest.raises(
        ContractBroken,
        match=f"here: 1 of 2 values of score are not valid, the first is {score[0]}: .* from 0 to 1",
    ):
        BINARY.require_scores("here", scores)


def test_an_outcome_beside_zero_and_one_is_refused():
    with pytest.raises(ValueError, match=r"the first is 2\.0: an outcome is 0 or 1"):
        BINARY.measure(pl.Series([0.5]), pl.Series([2]))


@pytest.mark.parametrize("wrong", [0.5, None, 2.0, -1.0, float("nan"), float("inf"), 1 + 1e-12])
def test_a_label_that_is_neither_zero_nor_one_is_named_with_its_row(wrong):
    rows = pl.DataFrame(
        {"entity_key": ["a", "b"], "score_date": [date(2013, 6, 15)] * 2, "outcome": [1.0, wrong]},
        strict=False,
    )
    with pytest.raises(
        ContractBroken,
        match=f"labels: 1 of 2 .* first is {wrong}, in the row of 'b' on 2013-06-15: .* is 0 or 1",
    ):
        BINARY.coded_outcomes("labels", rows)


@pytest.mark.parametrize("wrong", [["0", "1"], [True, False], [None, None], [date(2013, 6, 15)] * 2])
def test_labels_of_another_type_are_refused(wrong):
    rows = pl.DataFrame({"entity_key": ["a", "b"], "score_date": [date(2013, 6, 15)] * 2, "outcome": wrong})
    with pytest.raises(ContractBroken, match="2 of 2 values of outcome"):
        BINARY.coded_outcomes("labels", rows)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Float32, pl.Float64])
def test_zeros_and_ones_of_any_number_type_are_labels(dtype):
    rows = pl.DataFrame(
        {
            "entity_key": ["a", "b"],
            "score_date": [date(2013, 6, 15)] * 2,
            "outcome": pl.Series([0, 1], dtype=dtype),
        }
    )
    BINARY.coded_outcomes("labels", rows)


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="1 scores for 2 outcomes"):
        BINARY.measure(pl.Series([0.5]), pl.Series([0, 1]))


def test_brier_skill_is_the_share_of_the_constants_error_that_is_gone():
    outcome = pl.Series([1, 0, 0, 0])
    constant = always(0.25, outcome)

    def skill(version, constant):
        return BINARY.skills(version, constant)["brier_skill"]

    assert skill(BINARY.measure(pl.Series([1.0, 0.0, 0.0, 0.0]), outcome), constant) == 1.0
    assert skill(constant, constant) == 0.0
    assert skill(always(1.0, outcome), constant) < 0
    assert skill(constant, always(1.0, pl.Series([1]))) is None
    assert skill(BINARY.measure(outcome.clear().cast(pl.Float64), outcome.clear()), constant) is None


def test_outcomes_of_one_class_are_not_enough():
    assert BINARY.lacking(pl.Series([1, 1])) == "both outcomes, 0 and 1"
    assert BINARY.lacking(pl.Series([1, 0])) is None


@pytest.mark.parametrize("distinct", [2, 7, 10_000])
def test_the_auc_of_few_rows_is_that_of_many(distinct):
    random = np.random.default_rng(distinct)
    scores, outcomes = random.integers(0, distinct, 500) / distinct, random.integers(0, 2, 500).astype(float)
    assert auc_of(scores, outcomes) == auc(steps_of(pl.DataFrame({"score": scores, "outcome": outcomes})))
