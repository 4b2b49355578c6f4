"""A small model of each learner, fitted as a data scientist would, for models of every kind."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from threadpoolctl import threadpool_limits

from nightjar.adapters.learners.blend import BlendPredictor
from nightjar.adapters.learners.catboost import CatBoostPredictor
from nightjar.adapters.learners.columns import Columns, inputs
from nightjar.adapters.learners.libraries import library
from nightjar.adapters.learners.lightgbm import LightGBMPredictor
from nightjar.adapters.learners.logistic import LogisticPredictor
from nightjar.adapters.learners.onnx import OnnxPredictor
from nightjar.adapters.learners.sklearn import SklearnPredictor
from nightjar.adapters.learners.xgboost import XGBoostPredictor, names_and_types
from nightjar.core.model.categories import Categories
from nightjar.core.model.spec import Fit, ModelSpec

ROUNDS = 20


def fit_catboost(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> CatBoostPredictor:  # noqa: ARG001
    from catboost import CatBoostClassifier, CatBoostRegressor  # noqa: PLC0415  # takes a second to import

    categories = Categories.of(train, spec.categorical)
    quiet: dict[str, Any] = {"thread_count": 2, "allow_writing_files": False, "logging_level": "Silent"}
    learner = CatBoostClassifier if spec.kind.probabilities else CatBoostRegressor
    model = learner(iterations=ROUNDS, depth=4, random_seed=spec.seed, **quiet)
    rows = inputs(train, spec.categorical, spec.numeric, categories)
    model.fit(rows, train["outcome"].to_numpy(), cat_features=list(spec.categorical))
    return CatBoostPredictor(model, spec.categorical, spec.numeric, categories, spec.kind)


def fit_lightgbm(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> LightGBMPredictor:  # noqa: ARG001
    lightgbm = library("lightgbm")
    columns = Columns.of(train, spec.categorical, spec.numeric)
    rows = lightgbm.Dataset(
        columns.matrix(train),
        train["outcome"].to_numpy(),
        feature_name=list(columns.names),
        categorical_feature=list(columns.codes),
        params={"verbose": -1},
    )
    same = {"deterministic": True, "force_row_wise": True, "num_threads": 2, "seed": spec.seed}
    booster = lightgbm.train({**_objective(spec, LIGHTGBM), **same, "verbose": -1}, rows, ROUNDS)
    return LightGBMPredictor(booster, columns, spec.kind)


def fit_xgboost(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> XGBoostPredictor:  # noqa: ARG001
    xgboost = library("xgboost")
    columns = Columns.of(train, spec.categorical, spec.numeric)
    rows = xgboost.DMatrix(
        columns.matrix(train),
        train["outcome"].to_numpy(),
        enable_categorical=True,
        **names_and_types(columns),
    )
    booster = xgboost.train({**_objective(spec, XGBOOST), "nthread": 2, "seed": spec.seed}, rows, ROUNDS)
    return XGBoostPredictor(booster, columns, spec.kind)


def fit_sklearn(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> SklearnPredictor:  # noqa: ARG001
    categories = Categories.of(train, spec.categorical)
    rows = inputs(train, spec.categorical, spec.numeric, categories)
    with threadpool_limits(1):  # sums over another number of threads round differently
        pipeline = _pipeline(spec).fit(rows, train["outcome"].to_numpy())
    return SklearnPredictor(pipeline, spec.categorical, spec.numeric, categories, spec.kind)


def fit_blend(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> BlendPredictor:
    members = fit_catboost(train, valid, spec=spec), fit_sklearn(train, valid, spec=spec)
    return BlendPredictor(members, spec.kind)


def fit_logistic(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> LogisticPredictor:  # noqa: ARG001
    return LogisticPredictor.fitted(train, spec.categorical, spec.numeric)


def fit_onnx(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> OnnxPredictor:  # noqa: ARG001
    """A pipeline of scikit-learn, exported with an input for each column."""
    categories = Categories.of(train, spec.categorical)
    rows = inputs(train, spec.categorical, spec.numeric, categories)
    fitted = _pipeline(spec).fit(rows, train["outcome"].to_numpy())
    return OnnxPredictor.of(exported(fitted, spec), spec.kind, categories=categories)


def exported(pipeline: Any, spec: ModelSpec, **options: Any) -> bytes:
    """The graph of a fitted pipeline. Without a name of ours it gets a random one."""
    from skl2onnx import convert_sklearn  # noqa: PLC0415  # only where a graph is made
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType  # noqa: PLC0415

    texts = [(name, StringTensorType([None, 1])) for name in spec.categorical]
    numbers = [(name, FloatTensorType([None, 1])) for name in spec.numeric]
    made: Any = convert_sklearn(pipeline, "exported", initial_types=texts + numbers, **options)
    return made.SerializeToString()


def _pipeline(spec: ModelSpec) -> Any:
    """Linear, because its operators are those that round differently in blocks of other sizes."""
    from sklearn.compose import make_column_transformer  # noqa: PLC0415  # takes a second to import
    from sklearn.impute import SimpleImputer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression, Ridge  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415

    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(spec.categorical)),
        (SimpleImputer(), list(spec.numeric)),
    )
    return make_pipeline(encoded, LogisticRegression() if spec.kind.probabilities else Ridge())


LIGHTGBM = ("regression", "binary", "multiclass")
XGBOOST = ("reg:squarederror", "binary:logistic", "multi:softprob")


def _objective(spec: ModelSpec, names: tuple[str, str, str]) -> dict[str, Any]:
    """names: of the objectives for one number, two outcomes, and more of them."""
    outcomes = len(spec.kind.outcomes or ()) if spec.kind.probabilities else 1
    more: dict[str, Any] = {"num_class": outcomes} if outcomes > 2 else {}
    return {"objective": names[min(outcomes, 3) - 1], **more}


FITS: Mapping[str, Fit] = {
    "blend": fit_blend,
    "catboost": fit_catboost,
    "lightgbm": fit_lightgbm,
    "logistic": fit_logistic,
    "onnx": fit_onnx,
    "sklearn": fit_sklearn,
    "xgboost": fit_xgboost,
}
