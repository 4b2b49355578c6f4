"""Multiclass: one of several named classes happens, and the score is the probability of the likeliest."""

import math
from functools import cache
from math import inf

import polars as pl

from nightjar.core.kinds.absurdities import Absurdity, alike, mix_shifted
from nightjar.core.kinds.classification import (
    CLIP,
    auc,
    calibration_error,
    error_of_calibration_error,
    mean,
    steps_of,
)
from nightjar.core.kinds.curves import reliability
from nightjar.core.kinds.figures import by_score
from nightjar.core.kinds.gates import Gate
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.losses import Loss
from nightjar.core.kinds.metrics import Metric, Metrics
from nightjar.core.kinds.outputs import OUTPUTS, Calibration
from nightjar.core.kinds.row_errors import Errors, of_means

NAME = "multiclass"
HIT = pl.col("outputs").list.arg_max() == pl.col("outcome").cast(pl.UInt32)
"""Whether the predicted class is the one that happened."""
GIVEN = pl.col("outputs").list.get(pl.col("outcome").cast(pl.UInt32))
"""The probability that was given to the class that happened."""
SQUARED_ERROR = pl.col("outputs").list.eval(pl.element() ** 2).list.sum() - 2 * GIVEN + 1
"""The sum over classes of (p - y)^2, where y is 1 for the class that happened and else 0."""
LEAST_CLASSES, MOST_CLASSES = 2, 1000


@cache
def multiclass(*classes: str) -> Kind:
    """The kind of a model that tells these classes apart. An outcome is the name of one of them.

    Raises ValueError for fewer than two classes, and for names that are empty or not unique.
    """
    if not LEAST_CLASSES <= len(classes) <= MOST_CLASSES or len({*classes}) < len(classes) or "" in classes:
        limits = f"{LEAST_CLASSES} to {MOST_CLASSES}"
        raise ValueError(f"a multiclass model has {limits} classes with different names, not {classes}")
    return Kind(
        name=NAME,
        low=0,
        high=1,
        outcomes=tuple(range(len(classes))),
        classes=classes,
        probabilities=True,
        outputs=classes,
        rows_of=_likeliest,
        metrics=METRICS,
        headline=("accuracy", "brier"),
        compare=compare,
        errors=errors,
        loss=Loss(metric="brier", of_row=SQUARED_ERROR),
        figures=lambda rows: by_score(rows, share_of_right_classes=HIT),
        curves=lambda rows: reliability(
            rows.select("score", outcome=HIT.cast(pl.Float64)), "share of right classes"
        ),
        constant=lambda outcomes: _shares(outcomes, len(classes)),
        lacking=_lacking_difference,
        lacking_to_train=lambda outcomes: _lacking_classes(outcomes, classes),
        gates=GATES,
        absurdities=(
            Absurdity(name="min_distinct_share", low=0, high=1, finding=alike),
            Absurdity(name="max_class_shift", low=0, high=1, finding=mix_shifted),
        ),
    )


def compare(rows: pl.DataFrame) -> Metrics:
    """The AUC is the mean over the classes that happened, but not always, of each against all others.

    Calibration is that of the predicted class: Guo et al. (2017), On Calibration of Modern Neural Networks.
    """
    rows = rows.with_columns(given=GIVEN, hit=HIT)
    return {
        "accuracy": mean(rows, pl.col("hit").cast(pl.Float64)),
        "mean_score": mean(rows, pl.col("score")),
        "recall": float(rows.group_by("outcome").agg(pl.col("hit").mean())["hit"].sort().to_numpy().mean()),
        "auc": _mean_auc(rows),
        "brier": mean(rows, SQUARED_ERROR),
        "ece": calibration_error(steps_of(rows.select("score", outcome="hit"))),
        "log_loss": -mean(rows, pl.col("given").clip(CLIP, 1).log(math.e)),
    }


def errors(rows: pl.DataFrame, found: Metrics) -> Errors:  # noqa: ARG001  # means and bins need none of it
    """Of the mean recall and the mean AUC no error is known in closed form."""
    means = {"accuracy": HIT, "mean_score": pl.col("score"), "brier": SQUARED_ERROR}
    steps = steps_of(rows.select("score", outcome=HIT))
    return of_means(rows, means) | {"ece": error_of_calibration_error(steps)}


def _mean_auc(rows: pl.DataFrame) -> float | None:
    found = [
        auc(
            steps_of(
                rows.select(score=pl.col("outputs").list.get(int(code)), outcome=pl.col("outcome") == code)
            )
        )
        for code, count in rows["outcome"].value_counts(name="rows").sort("outcome").iter_rows()
        if count < rows.height
    ]
    return sum(found) / len(found) if found else None


def _likeliest(answer: pl.Series, calibration: Calibration) -> pl.DataFrame:  # noqa: ARG001  # it needs none
    outputs = answer.cast(OUTPUTS)
    return pl.DataFrame({"score": outputs.list.max(), "outputs": outputs})


def _shares(outcomes: pl.Series, classes: int) -> tuple[float, ...]:
    return tuple(float((outcomes == code).sum()) / outcomes.len() for code in range(classes))


def _lacking_difference(outcomes: pl.Series) -> str | None:
    return "outcomes of two classes" if outcomes.n_unique() < LEAST_CLASSES else None


def _lacking_classes(outcomes: pl.Series, classes: tuple[str, ...]) -> str | None:
    there = {int(code) for code in outcomes.unique()}
    lacking = [name for code, name in enumerate(classes) if code not in there]
    return f"an outcome of each class, and have none of {lacking}" if lacking else None


METRICS = (
    Metric(name="accuracy", title="accuracy", better="higher", low=0, high=1),
    Metric(name="mean_score", title="mean score", low=0, high=1),
    Metric(name="recall", title="mean recall", better="higher", low=0, high=1),
    Metric(name="auc", title="AUC", better="higher", low=0, high=1),
    Metric(name="brier", title="Brier", better="lower", low=0, high=2),
    Metric(name="ece", title="ECE", better="lower", low=0, high=1),
    Metric(name="log_loss", title="log loss", better="lower", low=0, nightly=False),
    Metric(name="brier_skill", title="Brier skill", better="higher", low=-inf, high=1, skill_of="brier"),
)
GATES = (
    Gate(name="min_auc", what="AUC, each class against the others,", metric="auc", bound="at least"),
    Gate(name="max_ece", what="expected calibration error", metric="ece", bound="at most"),
)
