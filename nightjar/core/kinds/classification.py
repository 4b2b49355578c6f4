"""Measures of probabilities that binary and multiclass models share, in Polars alone."""

import polars as pl

from nightjar.core.kinds.figures import bin_of_equal_mass

CLIP = 2.0**-52
"""Log loss keeps this far from 0 and 1, so that one certain mistake does not make it infinite."""


def mean(rows: pl.DataFrame, expression: pl.Expr) -> float:
    return float(rows.select(expression.mean()).item())


def auc(rows: pl.DataFrame, positives: int) -> float:
    """Mann-Whitney: how often a positive outranks a negative, ties counting half.

    rows: `score`, and `outcome` as 1 or 0. positives: rows with outcome 1, neither none nor all.
    """
    ranks = rows.select((pl.col("score").rank("average") * pl.col("outcome")).sum()).item()
    return float((ranks - positives * (positives + 1) / 2) / (positives * (rows.height - positives)))


def calibration_error(rows: pl.DataFrame) -> float:
    """Mean distance between predicted and observed rate over bins of equal mass, weighted by rows.

    rows: `score`, and `outcome` as 1 or 0.
    Equal mass rather than equal width, whose estimate is the more biased: Roelofs et al. (2022), Mitigating
    Bias in Calibration Error Estimation, AISTATS. Equal scores share a bin, so the order of rows does not
    matter.
    """
    gap = (pl.col("score") - pl.col("outcome")).sum().abs()
    # One order of sums, hence one last digit.
    bins = rows.group_by(bin_of_equal_mass().alias("bin"), maintain_order=True).agg(gap=gap).sort("bin")
    return float(bins["gap"].sum() / rows.height)
