"""How the model and its baseline are fitted. REPLACE: the parameters, or the learner."""

from typing import Any

import polars as pl

from nightjar.core.model.categories import Categories
from nightjar.core.model.spec import ModelSpec, Predictor


def fit_baseline(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Predictor:
    """A few shallow trees: a model that is more complex must be worth it."""
    return fitted(train, valid, spec, iterations=30, depth=1)


def fit(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Predictor:
    """CatBoost. The newest days, `valid`, decide when to stop."""
    return fitted(train, valid, spec, iterations=300, depth=4, early_stopping_rounds=30)


def fitted(train: pl.DataFrame, valid: pl.DataFrame, spec: ModelSpec, **parameters: Any) -> Predictor:
    # Imported here: only training needs them.
    from catboost import CatBoostClassifier, Pool  # noqa: PLC0415

    from nightjar.adapters.learners.catboost import CatBoostPredictor  # noqa: PLC0415
    from nightjar.adapters.learners.columns import inputs  # noqa: PLC0415

    categories = Categories.of(train, spec.categorical)

    def pool(rows: pl.DataFrame) -> Any:
        given = inputs(rows, spec.categorical, spec.numeric, categories)
        return Pool(given, label=rows["outcome"].to_numpy(), cat_features=list(spec.categorical))

    model = CatBoostClassifier(
        random_seed=spec.seed,
        thread_count=2,  # a part of the result: never let the machine choose
        learning_rate=0.06,
        allow_writing_files=False,
        logging_level="Silent",
        **parameters,
    )
    model.fit(pool(train), eval_set=pool(valid))
    return CatBoostPredictor(model, spec.categorical, spec.numeric, categories, spec.kind)
