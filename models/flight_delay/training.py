"""Fits the flight delay model, and the scikit-learn baseline that it must beat.

The model is the mean of the log odds of boosted trees and of a logistic regression. The trees follow what
acts together. The regression goes on in a straight line where a season is unlike all earlier ones. They err
on different nights.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from nightjar.adapters.learners.ready import BOOSTING
from nightjar.core.lifecycle.recency import recency_weights
from nightjar.core.model.categories import Categories
from nightjar.core.model.spec import ModelSpec, Predictor

THREADS = 2
"""Fixed, because the same snapshot must give the same model.

Sums over another number of threads round differently.
"""
EACH_OF = 3
"""The regression is fitted on each third departure. The rows of a night share their weather, so the others
would say little more, and a retraining may not take much longer than the trees alone.
"""
IN_STEPS = ("sched_dep_minute",)
"""Numbers that no straight line follows: the regression has a weight for each of their steps."""
MOST_TREES, STEP = 120, 20
"""The newest days choose among so many trees, in steps: between two steps there is only chance."""
RECORDS = ("late_rate", "cancel_rate", "dep_delay")
NEVER_DOWN = frozenset({"hour_departures", "day_departures_before", "day_share_before"})
"""Inputs that never lower the score when they rise, beside the records of the past weeks.

A year has too few days to learn more: the rows of a day share their weather, and trees take its luck for a
rule.
"""

LEVEL_SHARE, REFIT_LEVEL_SHARE = 0.5, 1.5
"""How far the level of the scores follows the newest days, of a version that is judged and of its refit.

Delays rise and fall from month to month for reasons that no feature shows. The trees of a refit were fitted
on the newest days, so there they lie closer to what happened than on the days to come: a part of the distance
is hidden.
"""

TREES = ("depth", "learning_rate", "l2_leaf_reg", "rsm")
"""Parameters of the spec that are CatBoost's."""

if TYPE_CHECKING:
    from nightjar.adapters.learners.blend import BlendPredictor
    from nightjar.adapters.learners.catboost import CatBoostPredictor
    from nightjar.adapters.learners.logistic import LogisticPredictor


fit_baseline = BOOSTING.fit
"""Scikit-learn's gradient boosting with its defaults, and with categories as numbers. Nothing is tuned."""


def fit_blend(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> "BlendPredictor":
    """Fit both. `valid` holds the newest days, which choose the number of trees and move their level."""
    return blended(fit_catboost(train, valid, spec=spec), train, spec)


def refit_blend(rows: pl.DataFrame, *, spec: ModelSpec, judged: Predictor) -> "BlendPredictor":
    """Fit both on all rows, with the number of trees that was judged."""
    trees = judged.params()["members"][0]["trees"]
    return blended(refit_catboost(rows, spec=spec, trees=trees), rows, spec)


def blended(trees: "CatBoostPredictor", rows: pl.DataFrame, spec: ModelSpec) -> "BlendPredictor":
    from nightjar.adapters.learners.blend import BlendPredictor  # noqa: PLC0415  # needed in training alone

    linear = fit_logistic(rows.gather_every(EACH_OF), spec)
    return BlendPredictor((trees, linear), spec.kind)


def fit_logistic(rows: pl.DataFrame, spec: ModelSpec) -> "LogisticPredictor":
    """Fit a logistic regression: a weight for each carrier, airport and hour, and for each number."""
    from nightjar.adapters.learners.logistic import LogisticPredictor  # noqa: PLC0415  # needed in training alone

    return LogisticPredictor.fitted(
        rows,
        spec.categorical,
        spec.numeric,
        in_steps=tuple(name for name in IN_STEPS if name in spec.numeric),
        strength=float(spec.params["C"]),
    )


def fit_catboost(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> "CatBoostPredictor":
    """Fit CatBoost with the categories as they are.

    `valid` holds the newest days. It chooses the number of trees. The level of the scores moves towards its
    level.
    """
    predictor = boosted(train, spec, MOST_TREES)
    stages = {trees: log_odds(predictor, valid, trees) for trees in range(STEP, MOST_TREES + 1, STEP)}
    best = best_stage(stages, valid["outcome"].to_numpy())
    predictor.model.shrink(best)
    return at_level(predictor, stages[best], valid, LEVEL_SHARE)


def refit_catboost(rows: pl.DataFrame, *, spec: ModelSpec, trees: int) -> "CatBoostPredictor":
    """Fit so many trees on all rows. The newest of them move the level."""
    predictor = boosted(rows, spec, trees)
    days = pl.col("score_date")
    newest = rows.filter(days > days.max() - timedelta(days=spec.split.valid_days))
    return at_level(predictor, log_odds(predictor, newest), newest, REFIT_LEVEL_SHARE)


def boosted(rows: pl.DataFrame, spec: ModelSpec, trees: int) -> "CatBoostPredictor":
    from catboost import CatBoostClassifier, Pool  # noqa: PLC0415  # takes a second to import

    # Imported here: only training needs them.
    from nightjar.adapters.learners.catboost import CatBoostPredictor  # noqa: PLC0415
    from nightjar.adapters.learners.columns import inputs  # noqa: PLC0415

    categories = Categories.of(rows, spec.categorical)
    model = CatBoostClassifier(
        iterations=trees,
        monotone_constraints={name: 1 for name in spec.numeric if never_down(name)},
        max_ctr_complexity=1,
        random_seed=spec.seed,
        thread_count=THREADS,
        allow_writing_files=False,
        logging_level="Silent",
        **{name: spec.params[name] for name in TREES},
    )
    given = inputs(rows, spec.categorical, spec.numeric, categories)
    weights = recency_weights(rows["score_date"], float(spec.params["half_life_days"])).to_numpy()
    model.fit(Pool(given, rows["outcome"].to_numpy(), cat_features=list(spec.categorical), weight=weights))
    return CatBoostPredictor(model, spec.categorical, spec.numeric, categories)


def never_down(name: str) -> bool:
    return name in NEVER_DOWN or any(record in name for record in RECORDS)


def log_odds(predictor: "CatBoostPredictor", rows: pl.DataFrame, trees: int = 0) -> np.ndarray:
    """The log odds of rows by the first trees. 0: by all."""
    from nightjar.adapters.learners.columns import inputs  # noqa: PLC0415  # needed in training alone

    given = inputs(rows, predictor.categorical, predictor.numeric, predictor.categories)
    return np.asarray(predictor.model.predict(given, prediction_type="RawFormulaVal", ntree_end=trees))


def best_stage(stages: Mapping[int, np.ndarray], outcome: np.ndarray) -> int:
    """The stage of the smallest log loss at the level of the outcomes.

    A season that is milder than the last would stop early, before anything is learned, if its level counted.
    stages: number of trees -> log odds.
    """

    def loss(trees: int) -> float:
        moved = stages[trees] + level_shift(stages[trees], outcome.mean())
        return float(np.mean(np.logaddexp(0, moved) - outcome * moved))

    return min(stages, key=loss)


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


def at_level(
    predictor: "CatBoostPredictor", odds: np.ndarray, newest: pl.DataFrame, share: float
) -> "CatBoostPredictor":
    """Move the level of the scores by a share of the way to that of the newest rows.

    odds: the log odds of these.
    """
    scale, bias = predictor.model.get_scale_and_bias()
    shift = level_shift(odds, newest["outcome"].mean())
    predictor.model.set_scale_and_bias(scale, float(bias) + share * shift)
    return predictor
