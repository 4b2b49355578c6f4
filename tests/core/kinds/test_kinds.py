"""What every kind must keep, whoever adds it."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import WrongLearner
from nightjar.core.kinds import KINDS, is_known, kind_of
from nightjar.core.kinds.multiclass import multiclass

OF_EACH = {**KINDS, "multiclass": multiclass("on time", "late", "cancelled")}
every_kind = pytest.mark.parametrize("kind", OF_EACH.values(), ids=OF_EACH)


@every_kind
def test_the_metrics_that_a_kind_names_are_its_own(kind):
    names = [metric.name for metric in kind.metrics]
    used = {*kind.headline, *(gate.metric for gate in kind.gates)} | {
        metric.skill_of for metric in kind.metrics if metric.skill_of
    }
    assert len(set(names)) == len(names)
    assert used <= set(names)
    assert all(
        metric.better == "lower"
        for metric in kind.metrics
        if metric.name in {skill.skill_of for skill in kind.metrics}
    )


@every_kind
def test_a_limit_has_one_name_and_room(kind):
    limits = [*kind.gate_limits(), *kind.absurdities]
    assert len({limit.name for limit in limits}) == len(limits)
    assert all(limit.low < limit.high for limit in limits)
    assert kind.low < kind.high


@every_kind
def test_a_stored_version_finds_its_kind_by_name_and_classes(kind):
    assert kind_of(kind.name, kind.classes) is kind
    assert is_known(kind)


def shape(kind, rows):
    return (rows, len(kind.outcomes)) if kind.probabilities else (rows,)


def raw_of(kind, data, rows):
    """What a learner of the kind may give."""
    numbers = st.floats(1e-6, 1) if kind.probabilities else st.floats(-1e9, 1e9)
    raw = data.draw(arrays.arrays(float, shape(kind, rows), elements=numbers))
    return raw / raw.sum(axis=1, keepdims=True) if kind.probabilities else raw


def outcomes_of(kind, data, rows):
    value = st.floats(-1e9, 1e9) if kind.outcomes is None else st.sampled_from(kind.outcomes)
    return pl.Series(data.draw(st.lists(value, min_size=rows, max_size=rows)), dtype=pl.Float64)


@every_kind
@given(data=st.data(), rows=st.integers(1, 30))
@settings(deadline=None, max_examples=40)
def test_what_a_learner_gives_is_published_measured_and_within_the_bounds_of_its_metrics(kind, data, rows):
    answer, outcome = kind.answer(raw_of(kind, data, rows)), outcomes_of(kind, data, rows)
    calibration = kind.calibrate(answer, outcome) if kind.calibrate else ()
    published = kind.published("here", answer, calibration)
    assert published.columns == ["score", "outputs"]
    assert kind.outputs_by(calibration) == kind.outputs
    found = kind.measure(published["score"], outcome, published["outputs"])
    figures = kind.shown(published["score"], outcome, published["outputs"])
    assert {len(row) for row in figures.rows} == {len(figures.columns)}
    assert sum(row[0] for row in figures.rows) == rows
    for metric in kind.metrics:
        value = found.get(metric.name)
        assert value is None or metric.low - 1e-9 <= value <= metric.high + 1e-9, metric


@every_kind
@given(data=st.data())
@settings(deadline=None, max_examples=20)
def test_no_metric_depends_on_the_order_of_rows(kind, data):
    answer, outcome = kind.answer(raw_of(kind, data, 12)), outcomes_of(kind, data, 12)
    calibration = kind.calibrate(answer, outcome) if kind.calibrate else ()
    published = kind.published("here", answer, calibration)
    first = kind.measure(published["score"], outcome, published["outputs"])
    back = published.reverse()
    second = kind.measure(back["score"], outcome.reverse(), back["outputs"])
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert second[name] is value is None or second[name] == pytest.approx(value, rel=1e-6, abs=1e-6)


@every_kind
def test_the_constant_predictor_answers_as_a_learner_does(kind):
    seen = pl.Series(kind.outcomes or (1.0, 5.0), dtype=pl.Float64)
    always = kind.always(seen, 3)
    assert (always.dtype, always.len()) == (kind.dtype, 3)


@every_kind
@pytest.mark.parametrize("columns", [None, 1, 2, 3, 7])
def test_a_matrix_of_another_shape_is_refused_and_both_shapes_are_told(kind, columns):
    found = (4,) if columns is None else (4, columns)
    raw = np.full(found, 1 / (columns or 1))
    if found == shape(kind, 4):
        assert kind.answer(raw).len() == 4
        return
    with pytest.raises(WrongLearner) as refused:
        kind.answer(raw)
    assert f"with the shape {found}" in str(refused.value)
    assert f"so the shape must be {shape(kind, 4)}" in str(refused.value)


@every_kind
def test_labels_in_place_of_numbers_are_refused(kind):
    with pytest.raises(WrongLearner, match="it gives an array of"):
        kind.answer(np.full(shape(kind, 2), "late"))


@every_kind
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), None])
def test_an_answer_that_is_no_finite_number_is_refused(kind, wrong):
    value = [wrong] * len(kind.classes) if kind.classes else wrong
    with pytest.raises(ContractBroken, match="not valid"):
        kind.published("here", pl.Series("score", [value], dtype=kind.dtype), (0.0, 0.0)[: len(kind.outputs)])
