"""Regression: an outcome is any finite number, and the score is what is expected of it, in the same unit.

Beside the score an interval is published, `low` to `high`, that shall hold the outcome in COVERAGE of the
rows. It is made by split conformal prediction: quantiles of the errors on rows that the version was not
trained on are added to the score (Lei et al. 2018, Distribution-Free Predictive Inference for Regression,
JASA 113; with signed errors, so that a skewed outcome gets a skewed interval: Linusson et al. 2014,
Signed-Error Conformal Regression, PAKDD). It holds for rows that are like those; the metric `coverage` says
how often the outcome really lay within.
"""

from math import ceil, floor, inf, sqrt

import polars as pl

from nightjar.core.kinds.absurdities import Absurdity, alike, shifted_by_spread
from nightjar.core.kinds.curves import of_numbers
from nightjar.core.kinds.figures import by_score
from nightjar.core.kinds.gates import Gate
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.losses import Loss
from nightjar.core.kinds.metrics import Metric, Metrics
from nightjar.core.kinds.outputs import OUTPUTS, Calibration
from nightjar.core.kinds.row_errors import Errors, of_means

COVERAGE = 0.9
"""Share of the outcomes that shall lie within the published interval."""


def calibrate(answer: pl.Series, outcome: pl.Series) -> Calibration:
    """What is added to a score to get `low` and `high`: the quantiles of the error, on either side of 0.

    With n rows the quantiles are those of n + 1, one of which is the row to come. Of fewer than 19 rows the
    extremes are taken, and the coverage is not reached.
    """
    errors, tail = (outcome.cast(pl.Float64) - answer).sort(), (1 - COVERAGE) / 2
    rows = errors.len()
    lowest = max(floor((rows + 1) * tail), 1) - 1
    highest = min(ceil((rows + 1) * (1 - tail)), rows) - 1
    return min(0.0, float(errors[lowest])), max(0.0, float(errors[highest]))


def with_interval(answer: pl.Series, calibration: Calibration) -> pl.DataFrame:
    """`outputs` are low and high. A version of before intervals has none."""
    low_and_high = [pl.col("score") + added for added in calibration]
    bounds = pl.concat_list(*low_and_high) if low_and_high else pl.lit(None)
    return pl.DataFrame({"score": answer}).with_columns(outputs=bounds.cast(OUTPUTS))


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
        **_of_interval(rows.drop_nulls("outputs")),
    }


ERROR = pl.col("score") - pl.col("outcome")


def errors(rows: pl.DataFrame, found: Metrics) -> Errors:
    """RMSE and R2 by the delta method: they are functions of means."""
    spread = rows.select(((pl.col("outcome") - pl.col("outcome").mean()) ** 2).mean()).item()
    low, high = (pl.col("outputs").list.get(n) for n in (0, 1))
    means = {
        "mean_outcome": pl.col("outcome"),
        "mean_score": pl.col("score"),
        "mae": ERROR.abs(),
        "coverage": WITHIN,
        "width": high - low,
    }
    if found["rmse"]:
        means["rmse"] = ERROR**2 / (2 * found["rmse"])
    if found["r2"] is not None:
        deviation = pl.col("outcome") - pl.col("outcome").mean()
        means["r2"] = (ERROR**2 - (1 - found["r2"]) * deviation**2) / spread
    return of_means(rows, means)


WITHIN = pl.col("outcome").is_between(pl.col("outputs").list.get(0), pl.col("outputs").list.get(1))
"""Whether the outcome lies in the published interval."""


def _of_interval(rows: pl.DataFrame) -> Metrics:
    if rows.is_empty():
        return {}
    low, high = (rows["outputs"].list.get(n) for n in (0, 1))
    return {
        "coverage": _mean(rows.select(WITHIN.cast(pl.Float64)).to_series()),
        "width": _mean(high - low),
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
    outputs=("low", "high"),
    calibrate=calibrate,
    rows_of=with_interval,
    metrics=(
        Metric(name="mean_outcome", title="mean outcome"),
        Metric(name="mean_score", title="mean score"),
        Metric(name="mae", title="MAE", better="lower", low=0),
        Metric(name="rmse", title="RMSE", better="lower", low=0),
        Metric(name="r2", title="R2", better="higher", high=1),
        Metric(name="coverage", title=f"coverage (nominal {COVERAGE:.0%})", low=0, high=1),
        Metric(name="width", title="interval width", low=0),
        Metric(name="rmse_skill", title="RMSE skill", better="higher", high=1, skill_of="rmse"),
    ),
    headline=("mae", "rmse"),
    compare=compare,
    errors=errors,
    loss=Loss(metric="mae", of_row=(pl.col("score") - pl.col("outcome")).abs()),
    curves=of_numbers,
    figures=lambda rows: by_score(rows, mean_outcome=pl.col("outcome"), within_the_interval=WITHIN),
    constant=mean_outcome,
    lacking=lacking_difference,
    gates=(Gate(name="min_coverage", what="coverage of the interval", metric="coverage", bound="at least"),),
    absurdities=(
        Absurdity(name="min_distinct_share", low=0, high=1, finding=alike),
        Absurdity(name="max_mean_shift_sd", low=0, high=inf, finding=shifted_by_spread),
    ),
)
