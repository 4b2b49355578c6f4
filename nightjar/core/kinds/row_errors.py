"""How uncertain a metric of one night is, if its rows were independent: standard errors in closed form.

One night has no other nights beside it, so the error is that of its rows. Rows of a night share their
weather, so the true error is greater. The error of trailing nights comes from the nights
(nightjar/core/monitoring/trailing.py).
"""

from collections.abc import Iterator, Mapping
from math import sqrt

import polars as pl

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.metrics import Intervals, Metric, Metrics

LEAST_ROWS = 10
"""With fewer rows an interval would say more of chance than of the metric."""

Errors = Mapping[str, float]
"""Metric -> its standard error, in its unit. A metric whose error is not known is absent."""


def no_errors(rows: pl.DataFrame, found: Metrics) -> Errors:  # noqa: ARG001  # whatever they are
    return {}


def of_means(rows: pl.DataFrame, of_row: Mapping[str, pl.Expr]) -> dict[str, float]:
    """The errors of means of expressions. Rows for which an expression is null do not count for it."""
    found = rows.select(
        (expression.cast(pl.Float64).std() / expression.count().sqrt()).alias(name)
        for name, expression in of_row.items()
    )
    return {name: error for name, error in found.row(0, named=True).items() if error is not None}


def of_auc(auc: float, positives: int, negatives: int) -> float:
    """Hanley and McNeil 1982, The Meaning and Use of the Area under a ROC Curve, Radiology 143."""
    both_positive, both_negative = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (
        auc * (1 - auc)
        + (positives - 1) * (both_positive - auc**2)
        + (negatives - 1) * (both_negative - auc**2)
    ) / (positives * negatives)
    return sqrt(max(variance, 0.0))


def of_average_precision(precision: float, positives: int) -> float:
    """The binomial error of Boyd, Eng and Page 2013, Area under the Precision-Recall Curve, ECML PKDD."""
    return sqrt(precision * (1 - precision) / positives)


def intervals(metrics: Iterator[Metric], found: Metrics, errors: Errors, rows: int) -> Intervals:
    """The intervals of those metrics whose error is known. rows: those that were measured."""
    if rows < LEAST_ROWS:
        return {}
    known = (
        (metric, Estimate(value=value, nights=1, error=error, degrees=rows - 1).shown)
        for metric in metrics
        if (value := found.get(metric.name)) is not None and (error := errors.get(metric.name)) is not None
    )
    return {metric.name: metric.within(low, high) for metric, (low, high) in known}
