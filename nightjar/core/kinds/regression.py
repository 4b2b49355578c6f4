"""Regression: an outcome is any finite number, and the score is what is expected of it, in the same unit."""

from math import inf, sqrt

import polars as pl

from nightjar.core.kinds.absurdities import Absurdity, alike, shifted_by_spread
from nightjar.core.kinds.gates import Gate
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.metrics import Metric, Metrics, Of


def compare(rows: pl.DataFrame) -> Metrics:
    """Errors in the unit of the outcome. R2 is not defined where all outcomes are alike."""
    error, outcome = rows["score"] - rows["outcome"], rows["outcome"]
    squares, spread = _mean(error**2), _mean((outcome - _mean(outcome)) ** 2)
    return {
        "mean_outcome": _mean(outcome),
        "mean_score": _mean(rows["score"]),
        "mae": _mean(error.abs()),
        "rmse": sqrt(squares),
        "r2": 1 - squares / spread if spread else None,
    }


def mean_outcome(outcomes: pl.Series) -> float:
    """The constant with the least squared error."""
    return _mean(outcomes.cast(pl.Float64))


def lacking_difference(outcomes: pl.Series) -> str | None:
    return "outcomes that differ" if outcomes.n_unique() < 2 else None


def _mean(values: pl.Series) -> float:
    return float(values.to_frame("value").select(pl.col("value").mean()).item())


REGRESSION = Kind(
    name="regression",
    low=-inf,
    high=inf,
    metrics=(
        Metric(name="mean_outcome", title="mean outcome"),
        Metric(name="mean_score", title="mean score"),
        Metric(name="mae", title="MAE", better="lower", low=0),
        Metric(name="rmse", title="RMSE", better="lower", low=0),
        Metric(name="r2", title="R2", better="higher", high=1),
        Metric(name="rmse_skill", title="RMSE skill", better="higher", high=1, skill_of="rmse"),
    ),
    headline=("mae", "rmse"),
    compare=compare,
    constant=mean_outcome,
    lacking=lacking_difference,
    gates=(
        Gate(
            name="min_rmse_skill",
            what="RMSE skill over the mean trained on",
            metric="rmse_skill",
            bound="at least",
        ),
        Gate(
            name="max_mae_over_baseline",
            what="MAE divided by the baseline's",
            metric="mae",
            bound="at most",
            over=Of.BASELINE,
        ),
        Gate(
            name="max_mae_over_champion",
            what="MAE divided by the champion's",
            metric="mae",
            bound="at most",
            of=Of.BESIDE_CHAMPION,
            over=Of.CHAMPION,
        ),
    ),
    absurdities=(
        Absurdity(name="min_distinct_share", low=0, high=1, finding=alike),
        Absurdity(name="max_mean_shift_sd", low=0, high=inf, finding=shifted_by_spread),
    ),
)
