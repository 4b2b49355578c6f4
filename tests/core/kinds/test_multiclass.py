import warnings
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, roc_auc_score

from nightjar.core.comparison.entities import Distribution, NightProfile
from nightjar.core.comparison.profile import predictions_of
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.kinds.absurdities import mix_shifted
from nightjar.core.kinds.multiclass import multiclass

CLASSES = ("on time", "late", "cancelled")
KIND = multiclass(*CLASSES)
row = st.tuples(st.lists(st.integers(1, 50), min_size=3, max_size=3), st.integers(0, 2))


def given_by(raw):
    return KIND.published("here", KIND.answer(np.array(raw, float)), ())


def measured(probabilities, outcome):
    rows = given_by(probabilities)
    return KIND.measure(rows["score"], pl.Series(outcome), rows["outputs"])


@given(st.lists(row, min_size=2, max_size=60))
@settings(deadline=None, max_examples=80)
def test_every_metric_agrees_with_scikit_learn(rows):
    weights, outcome = (np.array(column) for column in zip(*rows, strict=True))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    found = measured(probabilities, outcome)
    predicted, labels = probabilities.argmax(axis=1), [0, 1, 2]
    assert found["accuracy"] == pytest.approx(accuracy_score(outcome, predicted))
    assert found["log_loss"] == pytest.approx(log_loss(outcome, probabilities, labels=labels))
    assert found["brier"] == pytest.approx(((probabilities - np.eye(3)[outcome]) ** 2).sum(axis=1).mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found["recall"] == pytest.approx(balanced_accuracy_score(outcome, predicted))
    if len(set(outcome)) == 3:
        wanted = roc_auc_score(outcome, probabilities, multi_class="ovr", labels=labels)
        assert found["auc"] == pytest.approx(wanted)


def test_where_one_class_alone_happened_the_auc_is_not_defined():
    assert measured([[0.5, 0.3, 0.2]] * 3, [1, 1, 1])["auc"] is None


def test_calibration_is_that_of_the_predicted_class():
    outcome = [0] * 8 + [1] * 2
    assert measured([[0.8, 0.1, 0.1]] * 10, outcome)["ece"] == pytest.approx(0)
    assert measured([[0.5, 0.3, 0.2]] * 10, outcome)["ece"] == pytest.approx(0.3)


def test_the_score_is_the_probability_of_the_predicted_class():
    rows = KIND.with_class(given_by([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]]))
    assert rows.rows() == [(0.5, "late"), (0.4, "on time")]


def test_the_constant_predictor_gives_the_shares_of_the_classes():
    always = KIND.always(pl.Series([0, 0, 1, 2]), 2)
    assert always.to_list() == [[0.5, 0.25, 0.25]] * 2


def labels(*outcome, dtype=None):
    rows = {"entity_key": [*"abc"][: len(outcome)], "score_date": [date(2013, 6, 1)] * len(outcome)}
    return pl.DataFrame(rows).with_columns(outcome=pl.Series(outcome, dtype=dtype))


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(CLASSES)])
def test_an_outcome_is_the_name_of_a_class_and_becomes_its_place(dtype):
    coded = KIND.coded_outcomes("here", labels("late", "on time", dtype=dtype))
    assert coded["outcome"].to_list() == [1, 0]


@pytest.mark.parametrize(("outcome", "told"), [("diverted", "'diverted'"), (None, "None"), (1, "1")])
def test_a_class_that_nobody_declared_is_named_with_its_row(outcome, told):
    with pytest.raises(
        ContractBroken,
        match=f"first is {told}, in the row of 'a' on 2013-06-01: .* 'on time' or 'late' or 'cancelled'",
    ):
        KIND.coded_outcomes("here", labels(outcome))


def test_all_classes_have_to_be_there_to_train_on():
    assert KIND.lacking_to_train(pl.Series([0, 1, 2])) is None
    assert (
        KIND.lacking_to_train(pl.Series([0, 1])) == "an outcome of each class, and have none of ['cancelled']"
    )
    assert KIND.lacking(pl.Series([0, 1])) is None
    assert KIND.lacking(pl.Series([1, 1])) == "outcomes of two classes"


@pytest.mark.parametrize("classes", [(), ("a",), ("a", "a"), ("a", "")])
def test_classes_are_told_apart_by_their_names(classes):
    with pytest.raises(ValueError, match="classes with different names"):
        multiclass(*classes)


def night(**classes):
    rows = sum(classes.values())
    return Distribution(
        score_date=date(2013, 6, 1), rows=rows, mean=0.5, stddev=0.1, distinct=rows, classes=classes
    )


def before(*nights):
    return [NightProfile(score_date=n.score_date, columns=tuple(predictions_of(n))) for n in nights]


def test_a_shift_of_the_class_mix_is_the_share_of_rows_that_would_have_to_change():
    trailing = before(night(late=20, early=80), night(late=40, early=60))
    assert mix_shifted(night(late=50, early=50), trailing, 0.21) is None
    found = mix_shifted(night(late=51, early=49), trailing, 0.2)
    assert found.startswith("'early' is predicted less often than usual\n")
    assert "Share of 'early': 49.0%. Of the last 2 nights: 70.0%." in found
    assert found.endswith("Distance of the shares of all classes: 0.210. Limit: 0.2")
    assert mix_shifted(night(cancelled=1), trailing, 0.99)
    assert mix_shifted(night(late=1), [], 0.1) is None
