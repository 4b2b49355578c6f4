"""What each input adds to a score, by each learner and for models of every kind."""

from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from nightjar.adapters.learners.sklearn import SklearnPredictor
from nightjar.core.explaining.contributions import (
    BASE,
    Explains,
    Unexplained,
    contributions_of,
    margins,
    of_likeliest,
)
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.testing.learners import FITS
from nightjar.testing.specs import spec_of_kind

CITIES, PLANES = ("OSLO", "ROME", "LIMA"), ("A", "B", None)
COLUMNS = {"categorical": ("city", "plane"), "numeric": ("wind", "late")}
KINDS = {
    "binary": BINARY,
    "regression": REGRESSION,
    "three classes": multiclass("cold", "mild", "hot"),
    "two classes": multiclass("no", "yes"),
}
WITH = ("blend", "catboost", "lightgbm", "logistic", "sklearn", "xgboost")
PAIRS = [
    (learner, kind)
    for learner in WITH
    for kind in KINDS
    if not (learner == "blend" and KINDS[kind].classes) and (learner != "logistic" or kind == "binary")
]
TOLERANCE = {"xgboost": 2e-4}
"""XGBoost adds in 32 bits."""


def sample(kind, rows=300):
    random = np.random.default_rng(7)
    city, wind = random.choice(CITIES, rows), random.normal(size=rows)
    heat = wind + (city == "ROME") + random.normal(size=rows)
    cuts = {0: None, 2: [0.5], 3: [0, 1]}[len(kind.outcomes or ())]
    outcome = heat if cuts is None else np.digitize(heat, cuts)
    plane, late = list(random.choice(PLANES, rows)), random.integers(0, 9, rows)
    return pl.DataFrame({"city": city, "plane": plane, "wind": wind, "late": late, "outcome": outcome})


@cache
def fitted(learner, kind):
    rows, spec = sample(KINDS[kind]), spec_of_kind(KINDS[kind], **COLUMNS, seed=3)
    return FITS[learner](rows, rows, spec=spec)


ROWS = st.lists(
    st.tuples(
        st.sampled_from([*CITIES, "PERU", None]),
        st.sampled_from(PLANES),
        st.none() | st.floats(-6, 6),
        st.none() | st.integers(0, 9),
    ),
    max_size=6,
)
SCHEMA = {"city": pl.String, "plane": pl.String, "wind": pl.Float64, "late": pl.Int64}


def raw_scores(kind, answer):
    """The raw score of each answer of a predictor."""
    given = answer.to_numpy().astype(float)
    return of_likeliest(kind, margins(kind, given), given) if kind.probabilities else given


@pytest.mark.parametrize(("learner", "kind"), PAIRS)
@settings(max_examples=10)
@given(ROWS)
def test_contributions_add_up_to_the_raw_score(learner, kind, rows):
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    predictor = fitted(learner, kind)
    with threadpool_limits(1):  # on a busy machine threads wait for one another
        told = contributions_of(predictor, frame, sample(KINDS[kind], 60))
    assert sorted(told.columns) == sorted(["city", "plane", "wind", "late", BASE])
    assert set(told.dtypes) == {pl.Float64}
    tolerance = TOLERANCE.get(learner, 1e-6)
    raw = raw_scores(KINDS[kind], predictor.predict(frame))
    assert np.allclose(told.sum_horizontal().to_numpy(), raw, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("learner", "kind"), [pair for pair in PAIRS if pair[1] in ("binary", "three classes")]
)
def test_a_row_gets_the_same_contributions_in_every_batch(learner, kind):
    frame, usual = sample(KINDS[kind], 30), sample(KINDS[kind], 60)
    whole = contributions_of(fitted(learner, kind), frame, usual)
    for size, rows in ((1, 9), (7, 30)):
        pieces = frame[:rows].iter_slices(size)
        joined = pl.concat([contributions_of(fitted(learner, kind), piece, usual) for piece in pieces])
        assert np.allclose(whole[:rows].to_numpy(), joined.to_numpy(), rtol=1e-9, atol=1e-9)


def test_catboost_measures_from_the_sample_and_not_from_the_rows_it_explains():
    frame, usual = sample(BINARY), sample(BINARY, 60)
    told = contributions_of(fitted("catboost", "binary"), frame[:20], usual)
    raw = raw_scores(BINARY, fitted("catboost", "binary").predict(usual))
    assert told[BASE].to_list() == pytest.approx([raw.mean()] * 20)


@pytest.mark.parametrize("learner", WITH)
def test_what_matters_adds_more_than_what_does_not(learner):
    frame = sample(BINARY)
    told = contributions_of(fitted(learner, "binary"), frame, frame)
    reach = told.select(pl.exclude(BASE).abs().mean()).row(0, named=True)
    assert min(reach["wind"], reach["city"]) > max(reach["late"], reach["plane"])
    assert np.corrcoef(told["wind"], frame["wind"])[0, 1] > 0.8


def test_a_blend_adds_the_mean_of_what_its_members_add_and_has_no_answer_for_classes():
    frame, blend = sample(BINARY, 20), fitted("blend", "binary")
    told, *members = (contributions_of(one, frame, frame) for one in (blend, *blend.members))
    for name in told.columns:
        assert np.allclose(told[name], sum(one[name].to_numpy() for one in members) / 2)
    with pytest.raises(Unexplained, match="another class"):
        contributions_of(fitted("blend", "three classes"), frame, frame)


def test_a_linear_model_adds_coefficient_times_deviation_from_the_mean():
    frame = sample(REGRESSION).select("wind", "late", "outcome")
    model = make_pipeline(Ridge()).fit(frame.select("wind", "late"), frame["outcome"].to_numpy())
    told = contributions_of(
        SklearnPredictor(model, (), ("wind", "late"), kind=REGRESSION), frame[:9], frame[:200]
    )
    for name, coefficient in zip(("wind", "late"), model[-1].coef_, strict=True):
        assert np.allclose(told[name], coefficient * (frame[:9][name] - frame[:200][name].mean()))


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((DecisionTreeRegressor(max_depth=2),), "DecisionTreeRegressor is not linear"),
        ((PolynomialFeatures(2), Ridge()), "its inputs act together"),
    ],
)
def test_a_model_that_cannot_tell_says_why(steps, why):
    frame = sample(REGRESSION)
    rows = frame.select("wind", "late")
    model = make_pipeline(*steps).fit(rows, frame["outcome"].to_numpy())
    with pytest.raises(Unexplained, match=f"the learner 'sklearn' gives no contributions of inputs: {why}"):
        contributions_of(SklearnPredictor(model, (), ("wind", "late"), kind=REGRESSION), rows, rows)


def test_a_learner_without_the_protocol_says_so():
    predictor = FITS["onnx"](sample(BINARY), sample(BINARY), spec=spec_of_kind(BINARY, **COLUMNS))
    assert not isinstance(predictor, Explains)
    with pytest.raises(Unexplained, match="'onnx' gives no contributions"):
        contributions_of(predictor, sample(BINARY), sample(BINARY))


def test_what_a_library_cannot_explain_is_told_in_its_words():
    from lightgbm import Dataset, train  # an extra

    from nightjar.adapters.learners.columns import Columns
    from nightjar.adapters.learners.lightgbm import LightGBMPredictor

    frame = sample(REGRESSION)
    columns = Columns.of(frame, (), ("wind", "late"))
    rows = Dataset(columns.matrix(frame), frame["outcome"].to_numpy(), params={"verbose": -1})
    booster = train({"linear_tree": True, "verbose": -1, "num_threads": 1}, rows, 3)
    with pytest.raises(Unexplained, match="linear"):
        contributions_of(LightGBMPredictor(booster, columns, REGRESSION), frame, frame)


def test_a_saturated_probability_has_a_finite_raw_score():
    assert np.isfinite(raw_scores(BINARY, pl.Series([0.0, 1.0, 0.5]))).all()
    assert raw_scores(BINARY, pl.Series([0.5])).tolist() == [0.0]


def test_a_logistic_regression_adds_log_odds():
    frame = sample(BINARY)
    model = make_pipeline(LogisticRegression()).fit(frame.select("wind"), frame["outcome"].to_numpy())
    told = contributions_of(SklearnPredictor(model, (), ("wind",)), frame, frame)
    assert np.allclose(told["wind"], model[-1].coef_[0, 0] * (frame["wind"] - frame["wind"].mean()))
