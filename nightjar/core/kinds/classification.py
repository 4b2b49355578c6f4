"""Measures of probabilities that binary and multiclass models share."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.kinds.figures import bin_of_rank

CLIP = 2.0**-52
"""Log loss keeps this far from 0 and 1, so that one certain mistake does not make it infinite."""
BIN = bin_of_rank(pl.col("rank"), pl.col("rows").sum()).alias("bin")
"""The bin of each of the distinct scores, as `steps_of` gives them."""


def mean(rows: pl.DataFrame, expression: pl.Expr) -> float:
    return float(rows.select(expression.mean()).item())


def steps_of(rows: pl.DataFrame) -> pl.DataFrame:
    """What ranks and bins are measured by: the distinct scores, least first.

    rows: `score`, and `outcome` as 1 or 0. Each `score` has its `rows`, the `hits` among them, and their
    `rank`, the mean of their places among all rows from 1 on. Rows that are sorted by score take a tenth of
    the time.
    """
    hits, count = pl.col("outcome").sum().cast(pl.Float64), pl.len().cast(pl.Float64)
    found = rows.select("score", "outcome").sort("score").group_by("score", maintain_order=True)
    return found.agg(hits=hits, rows=count).with_columns(
        rank=pl.col("rows").cum_sum() - (pl.col("rows") - 1) / 2
    )


def auc(steps: pl.DataFrame) -> float:
    """How often a positive outranks a negative, ties counting half.

    steps: as `steps_of` gives them. Their outcomes are not all alike.
    """
    ranks, positives, rows = steps.select(
        (pl.col("rank") * pl.col("hits")).sum(), pl.col("hits").sum(), pl.col("rows").sum()
    ).row(0)
    return _mann_whitney(ranks, positives, rows)


def auc_of(scores: NDArray[np.float64], outcomes: NDArray[np.float64]) -> float:
    """The same of few rows, of which queries of Polars take ten times as long.

    outcomes: 1 or 0 for each score, not all alike.
    """
    _, step, rows = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(rows) - (rows - 1) / 2
    return _mann_whitney((rank[step] * outcomes).sum(), outcomes.sum(), len(scores))


def _mann_whitney(ranks: float, positives: float, rows: int) -> float:
    """ranks: the sum of those of the positives."""
    return float((ranks - positives * (positives + 1) / 2) / (positives * (rows - positives)))


def calibration_error(steps: pl.DataFrame) -> float:
    """Mean distance between predicted and observed rate over bins of equal mass, weighted by rows.

    steps: as `steps_of` gives them.
    Equal mass rather than equal width, whose estimate is the more biased: Roelofs et al. (2022), Mitigating
    Bias in Calibration Error Estimation, AISTATS. Equal scores share a bin, so the order of rows does not
    matter.
    """
    gap = (pl.col("score") * pl.col("rows") - pl.col("hits")).sum().abs()
    # One order of sums, hence one last digit.
    bins = steps.group_by(BIN, maintain_order=True).agg(pl.col("rows").sum(), gap=gap)
    return float(bins.select(pl.col("gap").sum() / pl.col("rows").sum()).item())


def error_of_calibration_error(steps: pl.DataFrame) -> float:
    """The binomial errors of the bins, weighted as their gaps are. steps: as `steps_of` gives them."""
    bins = steps.group_by(BIN, maintain_order=True).agg(pl.col("rows", "hits").sum())
    rate = pl.col("hits") / pl.col("rows")
    variance = (pl.col("rows") * rate * (1 - rate)).sum()
    return float(bins.select(variance.sqrt() / pl.col("rows").sum()).item())
