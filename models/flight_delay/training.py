"""How the flight delay model is fitted, and the scikit-learn baseline it has to beat."""

from typing import Any

import polars as pl

from nightjar.core.spec import ModelSpec, Predictor

THREADS = 2
"""Fixed: sums over another number of threads round differently, and the same snapshot must give the same model."""


def fit_baseline(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Predictor:
    """Scikit-learn's gradient boosting with its defaults, categories as numbers: an afternoon's work. Nothing is chosen, so `valid` is unused.

    Its own `categorical_features` would put a functools.partial into the stored model, which may call anything: not a type to trust.
    """
    from sklearn.compose import make_column_transformer  # noqa: PLC0415  # scikit-learn takes a second to import
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OrdinalEncoder  # noqa: PLC0415

    from nightjar.adapters.predictors import SklearnPredictor, inputs  # noqa: PLC0415  # only where a model is made

    del valid
    pipeline = make_pipeline(
        make_column_transformer(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), list(spec.categorical)), remainder="passthrough"
        ),
        HistGradientBoostingClassifier(
            early_stopping=False,  # pyright: ignore[reportArgumentType]  # scikit-learn's default is a str, but False is documented
            random_state=spec.seed,
        ),
    )
    pipeline.fit(inputs(train, spec.categorical, spec.numeric), train["outcome"].to_numpy())
    return SklearnPredictor(pipeline, spec.categorical, spec.numeric)


def fit_catboost(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Predictor:
    """CatBoost with the categories as they are; `valid` says when to stop."""
    from catboost import CatBoostClassifier, Pool  # noqa: PLC0415  # takes a second to import

    from nightjar.adapters.predictors import CatBoostPredictor, inputs  # noqa: PLC0415  # only where a model is made

    def pool(rows: pl.DataFrame) -> Any:
        return Pool(inputs(rows, spec.categorical, spec.numeric), label=rows["outcome"].to_numpy(), cat_features=list(spec.categorical))

    model = CatBoostClassifier(
        iterations=400,
        learning_rate=0.06,
        depth=6,
        l2_leaf_reg=10,
        max_ctr_complexity=1,
        eval_metric="Logloss",
        early_stopping_rounds=40,
        random_seed=spec.seed,
        thread_count=THREADS,
        allow_writing_files=False,
        logging_level="Silent",
    )
    model.fit(pool(train), eval_set=pool(valid))
    return CatBoostPredictor(model, spec.categorical, spec.numeric)
