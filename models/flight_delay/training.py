"""Fits the flight delay model, and the scikit-learn baseline that it must beat."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from nightjar.core.model.categories import Categories
from nightjar.core.model.spec import ModelSpec, Predictor

THREADS = 2
"""Fixed, because the same snapshot must give the same model.

Sums over another number of threads round differently.
"""
LEVEL_SHARE = 0.5
"""How far the level of the scores follows the newest days.

Delays rise and fall from month to month for reasons that no feature shows. Half-way has the smallest worst
calibration error and the largest mean Brier skill over the month ends of the year.
`benchmarks/flight_delay.py year` prints this.
"""

if TYPE_CHECKING:
    from catboost import CatBoostClassifier


def fit_baseline(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Predictor:
    """Fit scikit-learn's gradient boosting with its defaults, and with categories as numbers.

    Nothing is tuned, so `valid` is unused. Its own `categorical_features` would put a functools.partial into
    the stored model. This type may call any function, so it is not trusted.
    """
    # Imported here: scikit-learn takes a second to import.
    from sklearn.compose import make_column_transformer  # noqa: PLC0415
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OrdinalEncoder  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  # comes with scikit-learn

    from nightjar.adapters.learners.columns import inputs  # noqa: PLC0415  # needed in training alone
    from nightjar.adapters.learners.sklearn import SklearnPredictor  # noqa: PLC0415

    del valid
    pipeline = make_pipeline(
        make_column_transformer(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), list(spec.categorical)),
            remainder="passthrough",
        ),
        HistGradientBoostingClassifier(
            # The type comes from scikit-learn's default, a str, but False is documented.
            early_stopping=False,  # pyright: ignore[reportArgumentType]
            random_state=spec.seed,
        ),
    )
    # On a busy machine its threads wait for one another: 45 s instead of 3.
    with threadpool_limits(1, user_api="openmp"):
        pipeline.fit(inputs(train, spec.categorical, spec.numeric), train["outcome"].to_numpy())
    return SklearnPredictor(pipeline, spec.categorical, spec.numeric, Categories.of(train, spec.categorical))


def fit_catboost(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Predictor:
    """Fit CatBoost with the categories as they are.

    `valid` holds the newest days. It decides when to stop. The level of the scores moves towards its level.
    """
    from catboost import CatBoostClassifier, Pool  # noqa: PLC0415  # takes a second to import

    # Imported here: only training needs them.
    from nightjar.adapters.learners.catboost import CatBoostPredictor  # noqa: PLC0415
    from nightjar.adapters.learners.columns import inputs  # noqa: PLC0415

    categories = Categories.of(train, spec.categorical)

    def pool(rows: pl.DataFrame) -> Any:
        given = inputs(rows, spec.categorical, spec.numeric, categories)
        return Pool(given, label=rows["outcome"].to_numpy(), cat_features=list(spec.categorical))

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
    newest = pool(valid)
    model.fit(pool(train), eval_set=newest)
    _move_level(
        model,
        level_shift(
            np.asarray(model.predict(newest, prediction_type="RawFormulaVal")), valid["outcome"].mean()
        ),
    )
    return CatBoostPredictor(model, spec.categorical, spec.numeric, categories)


def level_shift(log_odds: np.ndarray, rate: Any) -> float:
    """Return the number that, added to all log odds, makes their mean probability `rate`, in (0, 1).

    It uses bisection, which cannot diverge.
    """
    low, high = -50.0, 50.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        too_low = np.mean(1 / (1 + np.exp(-(log_odds + middle)))) < rate
        low, high = (middle, high) if too_low else (low, middle)
    return (low + high) / 2


def _move_level(model: "CatBoostClassifier", shift: float) -> None:
    scale, bias = model.get_scale_and_bias()
    model.set_scale_and_bias(scale, float(bias) + LEVEL_SHARE * shift)
