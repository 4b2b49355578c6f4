"""The numbers that a version publishes beside the score, and whether they are as they must be."""

from collections.abc import Sequence

import polars as pl

OUTPUTS = pl.List(pl.Float64())
"""Type of the column `outputs`: the further numbers of a row in the order of the version's names for them."""

TOTAL_TOLERANCE = 1e-5
"""The probabilities of a row may add up to 1 with this error. Some learners compute with 32 bits."""

Calibration = tuple[float, ...]
"""Numbers that a version keeps and that its kind needs to publish what the version answers."""


def as_named(names: Sequence[str], low: float, high: float, *, of_classes: bool) -> pl.Expr:
    """True for each row whose `outputs` fit its `score`, and False for any other.

    names: of the outputs. low, high: their bounds. of_classes: they are probabilities that add up to 1, and
    the score is the greatest of them.
    """
    outputs, score = pl.col("outputs"), pl.col("score")
    if not names:
        return outputs.is_null()
    valid = pl.element().is_finite() & pl.element().is_between(low, high)
    fits = outputs.list.eval(valid.fill_null(value=False)).list.all() & (outputs.list.len() == len(names))
    if of_classes:
        adds_up = (outputs.list.sum() - 1).abs() <= TOTAL_TOLERANCE
        fits = fits & adds_up & (outputs.list.max() == score)
    return fits.fill_null(value=False)
