"""Learners that need no code of a model: a constant, a linear model, boosted trees, for models of every kind.

A spec names them in `simpler`. Each is fitted with scikit-learn's defaults, apart from what makes its result
the same every time. Nothing is chosen on the validation days, so a refit is the same fit on more rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from nightjar.core.model.categories import Categories
from nightjar.core.model.spec import Learner, ModelSpec, Predictor

MOST_CATEGORIES = 100
"""Of a column, each with a weight of its own in a linear model. Rarer ones share a weight."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Implements `Fit`. pipeline: makes the estimator of a spec; the libraries are imported then."""

    name: str
    pipeline: Callable[[ModelSpec], Any]

    def __call__(self, train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Predictor:  # noqa: ARG002
        return self.fitted(train, spec)

    def refit(self, rows: pl.DataFrame, *, spec: ModelSpec, judged: Predictor) -> Predictor:  # noqa: ARG002
        return self.fitted(rows, spec)

    def fitted(self, rows: pl.DataFrame, spec: ModelSpec) -> Predictor:
        from threadpoolctl import threadpool_limits  # noqa: PLC0415  # comes with scikit-learn

        from nightjar.adapters.learners.columns import inputs  # noqa: PLC0415  # needed in training alone
        from nightjar.adapters.learners.sklearn import SklearnPredictor  # noqa: PLC0415

        categories, pipeline = Categories.of(rows, spec.categorical), self.pipeline(spec)
        # Sums over another number of threads round differently. On a busy machine threads of boosting wait
        # for one another: 45 s instead of 3.
        with threadpool_limits(1):
            pipeline.fit(inputs(rows, spec.categorical, spec.numeric, categories), rows["outcome"].to_numpy())
        return SklearnPredictor(pipeline, spec.categorical, spec.numeric, categories, spec.kind)

    @property
    def learner(self) -> Learner:
        return Learner(name=self.name, fit=self, refit=self.refit)


def _constant(spec: ModelSpec) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor  # noqa: PLC0415  # takes a second to import
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  # as above

    return make_pipeline(DummyClassifier(strategy="prior") if spec.kind.probabilities else DummyRegressor())


def _linear(spec: ModelSpec) -> Any:
    from sklearn.compose import make_column_transformer  # noqa: PLC0415  # as above
    from sklearn.impute import SimpleImputer  # noqa: PLC0415  # as above
    from sklearn.linear_model import LogisticRegression, Ridge  # noqa: PLC0415  # as above
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  # as above
    from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: PLC0415  # as above

    coded = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
    )
    scaled = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    columns = make_column_transformer((coded, [*spec.categorical]), (scaled, [*spec.numeric]))
    return make_pipeline(columns, LogisticRegression(max_iter=1000) if spec.kind.probabilities else Ridge())


def _boosting(spec: ModelSpec) -> Any:
    """Its own `categorical_features` would put a functools.partial into the stored model.

    This type may call any function, so it is not trusted.
    """
    from sklearn.compose import make_column_transformer  # noqa: PLC0415  # as above
    from sklearn.ensemble import (  # noqa: PLC0415  # as above
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  # as above
    from sklearn.preprocessing import OrdinalEncoder  # noqa: PLC0415  # as above

    coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((coded, [*spec.categorical]), remainder="passthrough")
    boosted: Any = (
        HistGradientBoostingClassifier if spec.kind.probabilities else HistGradientBoostingRegressor
    )
    return make_pipeline(columns, boosted(early_stopping=False, random_state=spec.seed))


CONSTANT = Ready("constant", _constant).learner
LINEAR = Ready("linear", _linear).learner
"""Logistic regression, or ridge regression for numbers."""
BOOSTING = Ready("boosting", _boosting).learner
