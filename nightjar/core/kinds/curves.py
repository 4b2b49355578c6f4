"""Curves of a version on unseen rows, few points each, so that they can be kept and drawn years later."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.kinds.figures import bin_of_equal_mass
from nightjar.core.values import Value

Numbers = NDArray[np.float64]

POINTS = 60
"""A curve through all rows is kept at so many of them."""
LOW, HIGH = 0.1, 0.9
"""The quantiles beside the median of residuals."""


class Curve(Value):
    """Points from left to right. plot: the title of the plot in which it stands, with other curves perhaps.

    name: of the curve in it. x, y: what the axes show.
    """

    plot: str
    name: str
    x: str
    y: str
    points: tuple[tuple[float, float], ...]


class Confusion(Value):
    """counts[row][column]: rows of the class `row` for which the class `column` was the likeliest."""

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def no_curves(rows: pl.DataFrame) -> tuple[Curve, ...]:  # noqa: ARG001  # whatever they are
    return ()


def of_event(rows: pl.DataFrame) -> tuple[Curve, ...]:
    """ROC, precision by recall, and reliability. rows: `score`, and `outcome` as 1 or 0."""
    return (*_rankings(rows), *reliability(rows, "observed rate"))


def reliability(rows: pl.DataFrame, observed: str) -> tuple[Curve, ...]:
    """Mean score and mean outcome of ten bins of equal mass, beside the diagonal on which both are equal."""
    bins = (
        rows.group_by(bin_of_equal_mass().alias("bin")).agg(pl.col("score", "outcome").mean()).sort("score")
    )
    points = tuple(bins.select("score", "outcome").iter_rows())
    ends = points[0][0], points[-1][0]
    named = {"plot": "Reliability", "x": "mean score", "y": observed}
    perfect = Curve(name="perfect", points=tuple((end, end) for end in ends), **named)
    return Curve(name="version", points=points, **named), perfect


def of_numbers(rows: pl.DataFrame) -> tuple[Curve, ...]:
    """Reliability, and quantiles of what happened less the score, by score. rows: `score`, `outcome`."""
    residual = pl.col("outcome") - pl.col("score")
    bins = rows.group_by(bin_of_equal_mass().alias("bin")).agg(
        pl.col("score").mean(),
        residual.median().alias("median"),
        residual.quantile(LOW).alias(f"{LOW:.0%} of them are below"),
        residual.quantile(HIGH).alias(f"{HIGH:.0%} of them are below"),
    )
    found = bins.sort("score").drop("bin")
    named = {"plot": "Residuals", "x": "mean score", "y": "outcome less score"}
    residuals = (
        Curve(name=name, points=tuple(found.select("score", name).iter_rows()), **named)
        for name in found.columns[1:]
    )
    return (*reliability(rows, "mean outcome"), *residuals)


def confusion(classes: tuple[str, ...], rows: pl.DataFrame) -> Confusion:
    """rows: `outputs`, the probability of each class, and `outcome`, the place of the class that happened."""
    told = rows["outputs"].list.arg_max().to_numpy()
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (rows["outcome"].cast(pl.Int64).to_numpy(), told), 1)
    return Confusion(names=classes, counts=tuple(tuple(map(int, row)) for row in counts))


def _rankings(rows: pl.DataFrame) -> tuple[Curve, ...]:
    """None where all outcomes are alike. Equal scores are one step."""
    steps = (
        rows.group_by("score").agg(hits=pl.col("outcome").sum(), rows=pl.len()).sort("score", descending=True)
    )
    hits, seen = steps["hits"].cum_sum().to_numpy(), steps["rows"].cum_sum().to_numpy()
    positives, negatives = hits[-1], seen[-1] - hits[-1]
    if not positives or not negatives:
        return ()
    recall, false = hits / positives, (seen - hits) / negatives
    rate = positives / seen[-1]
    roc = {"plot": "ROC", "x": "false positive rate", "y": "true positive rate"}
    precision = {"plot": "Precision and recall", "x": "recall", "y": "precision"}
    return (
        Curve(name="version", points=((0.0, 0.0), *_thinned(false, recall)), **roc),
        Curve(name="chance", points=((0.0, 0.0), (1.0, 1.0)), **roc),
        Curve(name="version", points=_thinned(recall, hits / seen), **precision),
        Curve(name="chance", points=((0.0, rate), (1.0, rate)), **precision),
    )


def _thinned(x: Numbers, y: Numbers) -> tuple[tuple[float, float], ...]:
    """At most POINTS points, spread evenly over x, with the last one."""
    wanted: Numbers = np.linspace(float(x[0]), float(x[-1]), POINTS)
    places = {*np.searchsorted(x, wanted[:-1]).tolist(), x.size - 1}
    return tuple((float(x[place]), float(y[place])) for place in sorted(places))
