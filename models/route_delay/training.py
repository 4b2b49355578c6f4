"""Fits the route delay model, and the trailing mean that it must beat."""

from typing import Any

import polars as pl

from nightjar.core.model.spec import ModelSpec, Predictor

NEVER_DOWN = {"route_delay": 1, "airport_delay": 1, "route_minute": 1}
"""Inputs that never lower the score when they rise. One year is too short to learn more than that."""


def fit_baseline(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Predictor:
    """Fit a straight line on the mean delay of the route's last four weeks: the trailing mean, shrunk."""
    from sklearn.compose import make_column_transformer  # noqa: PLC0415  # takes a second to import
    from sklearn.impute import SimpleImputer  # noqa: PLC0415  # as above
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415  # as above
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  # as above

    del valid
    trailing = make_column_transformer((SimpleImputer(), ["route_delay"]))
    return fitted(make_pipeline(trailing, LinearRegression()), train, spec)


def fit_trees(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Predictor:
    """Fit scikit-learn's gradient boosting to the absolute error.

    Nothing is chosen on `valid`. The engine makes the published interval from it.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415  # takes a second to import
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  # as above

    del valid
    trees = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=120,
        learning_rate=0.05,
        max_leaf_nodes=4,
        min_samples_leaf=100,
        monotonic_cst=[NEVER_DOWN.get(name, 0) for name in spec.inputs],
        # The type comes from scikit-learn's default, a str, but False is documented.
        early_stopping=False,  # pyright: ignore[reportArgumentType]
        random_state=spec.seed,
    )
    return fitted(make_pipeline(trees), train, spec)


def fitted(pipeline: Any, train: pl.DataFrame, spec: ModelSpec) -> Predictor:
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  # comes with scikit-learn

    from nightjar.adapters.learners.columns import inputs  # noqa: PLC0415  # needed in training alone
    from nightjar.adapters.learners.sklearn import SklearnPredictor  # noqa: PLC0415

    # On a busy machine its threads wait for one another.
    with threadpool_limits(1, user_api="openmp"):
        pipeline.fit(inputs(train, spec.categorical, spec.numeric), train["outcome"].to_numpy())
    return SklearnPredictor(pipeline, spec.categorical, spec.numeric, kind=spec.kind)
