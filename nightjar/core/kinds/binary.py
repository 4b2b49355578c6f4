"""Binary: an event happens (1) or not (0), and the score is its probability. Metrics in Polars alone."""

import math
from math import inf

import polars as pl

from nightjar.core.kinds.absurdities import Absurdity, alike, shifted
from nightjar.core.kinds.classification import (
    CLIP,
    auc,
    calibration_error,
    error_of_calibration_error,
    mean,
    steps_of,
)
from nightjar.core.kinds.curves import of_event
from nightjar.core.kinds.figures import by_score
from nightjar.core.kinds.gates import Gate
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.losses import Loss
from nightjar.core.kinds.metrics import Metric, Metrics
from nightjar.core.kinds.row_errors import (
    Errors,
    of_auc,
    of_average_precision,
    of_means,
)

SQUARED_ERROR = (pl.col("score") - pl.col("outcome")) ** 2


def compare(rows: pl.DataFrame) -> Metrics:
    """AUC and average precision are not defined where all outcomes are alike."""
    positives, steps = int(rows["outcome"].sum()), steps_of(rows)
    ranking = {"auc": auc(steps), "pr_auc": _average_precision(steps)} if 0 < positives < rows.height else {}
    return {
        "base_rate": positives / rows.height,
        "mean_score": mean(rows, pl.col("score")),
        **ranking,
        "brier": mean(rows, SQUARED_ERROR),
        "ece": calibration_error(steps),
        "log_loss": _log_loss(rows),
    }


MEANS = {"base_rate": pl.col("outcome"), "mean_score": pl.col("score"), "brier": SQUARED_ERROR}


def errors(rows: pl.DataFrame, found: Metrics) -> Errors:
    positives = int(rows["outcome"].sum())
    area, precision = found["auc"], found["pr_auc"]
    ranking = (
        {}
        if area is None or precision is None
        else {
            "auc": of_auc(area, positives, rows.height - positives),
            "pr_auc": of_average_precision(precision, positives),
        }
    )
    return of_means(rows, MEANS) | {"ece": error_of_calibration_error(steps_of(rows))} | ranking


def base_rate(outcomes: pl.Series) -> float:
    return float(outcomes.to_frame("outcome").select(pl.col("outcome").mean()).item())


def lacking_a_class(outcomes: pl.Series) -> str | None:
    return "both outcomes, 0 and 1" if outcomes.n_unique() < 2 else None


def _average_precision(steps: pl.DataFrame) -> float:
    """Precision at each distinct score, weighted by the recall it adds; no interpolation."""
    hits, rows = (pl.col(name).cum_sum(reverse=True) for name in ("hits", "rows"))
    return float(steps.select((pl.col("hits") * hits / rows).sum() / pl.col("hits").sum()).item())


def _log_loss(rows: pl.DataFrame) -> float:
    assigned = pl.when(pl.col("outcome") == 1).then(pl.col("score")).otherwise(1 - pl.col("score"))
    return -mean(rows, assigned.clip(CLIP, 1 - CLIP).log(math.e))


BINARY = Kind(
    name="binary",
    low=0,
    high=1,
    outcomes=(0, 1),
    probabilities=True,
    output=lambda raw: raw[:, 1],
    metrics=(
        Metric(name="base_rate", title="base rate", low=0, high=1),
        Metric(name="mean_score", title="mean score", low=0, high=1),
        Metric(name="auc", title="AUC", better="higher", low=0, high=1),
        Metric(name="pr_auc", title="PR-AUC", better="higher", low=0, high=1),
        Metric(name="brier", title="Brier", better="lower", low=0, high=1),
        Metric(name="ece", title="ECE", better="lower", low=0, high=1),
        Metric(name="log_loss", title="log loss", better="lower", low=0, nightly=False),
        Metric(name="brier_skill", title="Brier skill", better="higher", low=-inf, high=1, skill_of="brier"),
    ),
    headline=("auc", "brier"),
    compare=compare,
    errors=errors,
    loss=Loss(metric="brier", of_row=SQUARED_ERROR),
    figures=lambda rows: by_score(rows, observed_rate=pl.col("outcome")),
    curves=of_event,
    constant=base_rate,
    lacking=lacking_a_class,
    gates=(
        Gate(name="min_auc", what="AUC", metric="auc", bound="at least"),
        Gate(name="max_ece", what="expected calibration error", metric="ece", bound="at most"),
    ),
    absurdities=(
        Absurdity(name="min_distinct_share", low=0, high=1, finding=alike),
        Absurdity(name="max_mean_shift", low=0, high=1, finding=shifted),
    ),
)
