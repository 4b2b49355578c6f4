"""A learner that does not fit the kind of its model is told before anything is fitted on all rows."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nightjar.adapters.learners.catboost import CatBoostPredictor
from nightjar.adapters.learners.columns import inputs
from nightjar.adapters.learners.sklearn import SklearnPredictor
from nightjar.core.errors.model import CodeFailed, WrongLearner
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.lifecycle.training_set import TimeCut
from nightjar.core.model.spec import AuditLimits, GateLimits
from nightjar.testing.predictors import Formula
from nightjar.testing.specs import TOY
from nightjar.usecases.lifecycle.fitting import REHEARSAL_ROWS, baseline_of, few, fitted, rehearse

ROWS = 3000
THREE = multiclass("a", "b", "c")


def cut(outcome) -> TimeCut:
    days = [date(2013, 1, 1) + timedelta(days=n // 100) for n in range(ROWS)]
    rows = pl.DataFrame({"score_date": days, "x": np.random.default_rng(0).normal(size=ROWS)})
    rows = rows.with_columns(outcome=pl.Series(outcome))
    return TimeCut(rows[:2000], rows[2000:2500], rows[2500:])


DOLLARS = cut(np.random.default_rng(1).gamma(2, 100, ROWS))
EVENTS = cut([n % 7 == 0 for n in range(ROWS)])
EVENTS = TimeCut(*(part.cast({"outcome": pl.Int8}) for part in (EVENTS.train, EVENTS.valid, EVENTS.test)))
CLASSES = cut([2 if n % 400 == 7 else n % 2 for n in range(ROWS)])


def of_kind(kind, fit, baseline=None):
    gates = GateLimits(**{limit.name: max(0.0, limit.low) for limit in kind.gate_limits()})
    audit = AuditLimits(max_quarantine_share=0.1, **{absurd.name: 0.5 for absurd in kind.absurdities})
    return replace(TOY, kind=kind, gates=gates, audit=audit, fit=fit, baseline=baseline or fit)


def sklearn(estimator):
    def fit(train, valid, *, spec):
        pipeline = make_pipeline(StandardScaler(), estimator)
        pipeline.fit(inputs(train, (), spec.numeric), train["outcome"].to_numpy())
        return SklearnPredictor(pipeline, (), spec.numeric, kind=spec.kind)

    return fit


def catboost(model):
    def fit(train, valid, *, spec):
        quiet = {"iterations": 2, "thread_count": 1, "allow_writing_files": False, "logging_level": "Silent"}
        learner = model(**quiet)
        learner.fit(inputs(train, (), spec.numeric), train["outcome"].to_numpy())
        return CatBoostPredictor(learner, (), spec.numeric, kind=spec.kind)

    return fit


@pytest.mark.parametrize(
    ("kind", "rows", "fit", "told"),
    [
        (REGRESSION, EVENTS, sklearn(LogisticRegression()), "LogisticRegression is a classifier"),
        (REGRESSION, EVENTS, catboost(CatBoostClassifier), "CatBoostClassifier is a classifier"),
        (BINARY, EVENTS, sklearn(LinearRegression()), "LinearRegression gives no probabilities"),
        (BINARY, EVENTS, catboost(CatBoostRegressor), "CatBoostRegressor gives no probabilities"),
        (THREE, CLASSES, catboost(CatBoostRegressor), "CatBoostRegressor gives no probabilities"),
        (multiclass(*"abcd"), CLASSES, sklearn(LogisticRegression()), r"shape must be \(\d+, 4\)"),
    ],
)
def test_a_learner_of_another_kind_is_refused_before_all_rows_are_fitted(kind, rows, fit, told):
    heights = []

    def watched(train, valid, *, spec):
        heights.append(train.height)
        return fit(train, valid, spec=spec)

    with pytest.raises(WrongLearner, match=told) as refused:
        rehearse(of_kind(kind, watched), rows)
    assert f"kind {kind.name!r}" in str(refused.value)
    assert max(heights) <= REHEARSAL_ROWS + 100


@pytest.mark.parametrize(
    ("kind", "rows", "fit"),
    [
        (REGRESSION, DOLLARS, sklearn(LinearRegression())),
        (BINARY, EVENTS, sklearn(LogisticRegression())),
        (THREE, CLASSES, sklearn(LogisticRegression())),
        (THREE, CLASSES, catboost(CatBoostClassifier)),
    ],
)
def test_a_learner_of_the_kind_passes(kind, rows, fit):
    rehearse(of_kind(kind, fit), rows)


def test_a_refit_of_another_kind_is_refused_too():
    def refit(rows, *, spec, judged):
        return sklearn(LinearRegression())(rows, rows, spec=spec)

    spec = replace(of_kind(BINARY, sklearn(LogisticRegression())), refit=refit)
    with pytest.raises(WrongLearner, match="LinearRegression gives no probabilities"):
        rehearse(spec, EVENTS)


def test_a_rehearsal_sees_each_outcome_however_rare():
    rare = cut([2 if n == 1999 else n % 2 for n in range(ROWS)])
    assert set(few(rare.train, THREE)["outcome"]) == {0, 1, 2}


def test_few_rows_that_a_learner_cannot_take_are_no_fault():
    def needs_many(train, valid, *, spec):
        raise ValueError("too few")

    rehearse(of_kind(BINARY, needs_many), EVENTS)


def test_an_error_of_the_models_own_code_names_its_line_and_the_outcomes():
    spec = of_kind(REGRESSION, sklearn(LogisticRegression()))
    with pytest.raises(
        CodeFailed,
        match=r"`fit` with outcomes .* raised at .*test_fitting\.py:\d+: ValueError: Unknown",
    ):
        fitted(spec, spec.learners[0], DOLLARS)


def test_what_is_fitted_is_what_the_spec_names():
    spec = of_kind(REGRESSION, lambda *_, spec: Formula(pl.lit(1.0)), lambda *_, spec: Formula(pl.lit(2.0)))
    assert fitted(spec, baseline_of(spec), DOLLARS).predict(DOLLARS.test)[0] == 2
    assert fitted(spec, spec.learners[0], DOLLARS).predict(DOLLARS.test)[0] == 1
