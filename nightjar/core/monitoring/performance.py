"""How good scores were, once what really happened is known: ranking, calibration and error, in Polars alone."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import polars as pl

CALIBRATION_BINS = 10
CLIP = 2.0**-52
"""Log loss keeps this far from 0 and 1, so that one certain mistake does not make it infinite."""


@dataclass(frozen=True, slots=True)
class Performance:
    """Metrics of one set of rows. None where a metric is not defined: no rows, or for auc and pr_auc only one class.

    auc: area under the ROC curve. pr_auc: average precision. brier: mean squared error. log_loss: in nats.
    ece: expected calibration error, 10 bins of equal mass.
    """

    rows: int
    base_rate: float | None = None
    mean_score: float | None = None
    auc: float | None = None
    pr_auc: float | None = None
    brier: float | None = None
    ece: float | None = None
    log_loss: float | None = None

    def metrics(self, prefix: str = "") -> Mapping[str, float]:
        """The defined metrics by name, as a version keeps them."""
        return {f"{prefix}{name}": float(value) for name, value in asdict(self).items() if value is not None}


def measure(score: pl.Series, outcome: pl.Series) -> Performance:
    """Compare scores (in [0, 1]) with outcomes (0 or 1), row by row; rows whose outcome is null are not known yet and left out.

    Raises ValueError for a score that is null, NaN or outside [0, 1], for an outcome that is neither 0 nor 1, and for unequal lengths.
    """
    known = _known(score, outcome)
    rows, positives = known.height, int(known["outcome"].sum())
    if rows == 0:
        return Performance(rows=0)
    both_classes = 0 < positives < rows
    return Performance(
        rows=rows,
        base_rate=positives / rows,
        mean_score=_mean(known, pl.col("score")),
        auc=_auc(known, positives) if both_classes else None,
        pr_auc=_average_precision(known, positives) if both_classes else None,
        brier=_mean(known, (pl.col("score") - pl.col("outcome")) ** 2),
        ece=_calibration_error(known),
        log_loss=_log_loss(known),
    )


def against_constant(outcome: pl.Series, probability: float) -> Performance:
    """What a predictor scores that gives every row the same probability, say the base rate of the training rows."""
    return measure(pl.repeat(probability, outcome.len(), dtype=pl.Float64, eager=True), outcome)


def brier_skill(performance: Performance, reference: Performance) -> float | None:
    """1 - Brier / the reference's Brier on the same rows: above 0 is better. None where that is not defined."""
    if performance.brier is None or not reference.brier:
        return None
    return 1 - performance.brier / reference.brier


def _known(score: pl.Series, outcome: pl.Series) -> pl.DataFrame:
    if score.len() != outcome.len():
        raise ValueError(f"{score.len()} scores for {outcome.len()} outcomes")
    frame = pl.DataFrame({"score": score.cast(pl.Float64), "outcome": outcome.cast(pl.Float64)}).drop_nulls("outcome")
    if not frame["score"].is_between(0, 1).fill_null(value=False).all():
        raise ValueError("a score is null, NaN or outside [0, 1]")
    if not frame["outcome"].is_in([0.0, 1.0]).all():
        raise ValueError("an outcome is neither 0 nor 1")
    return frame


def _mean(known: pl.DataFrame, expression: pl.Expr) -> float:
    return float(known.select(expression.mean()).item())


def _auc(known: pl.DataFrame, positives: int) -> float:
    """Mann-Whitney: how often a positive outranks a negative, ties counting half."""
    ranks = known.select((pl.col("score").rank("average") * pl.col("outcome")).sum()).item()
    return float((ranks - positives * (positives + 1) / 2) / (positives * (known.height - positives)))


def _average_precision(known: pl.DataFrame, positives: int) -> float:
    """Precision at each distinct score, weighted by the recall it adds; no interpolation."""
    steps = known.group_by("score").agg(hits=pl.col("outcome").sum(), rows=pl.len()).sort("score", descending=True)
    precision = pl.col("hits").cum_sum() / pl.col("rows").cum_sum()
    return float(steps.select((pl.col("hits") * precision).sum() / positives).item())


def _calibration_error(known: pl.DataFrame) -> float:
    """Mean distance between predicted and observed rate over bins of equal mass, weighted by rows.

    Equal mass rather than equal width, whose estimate is the more biased: Roelofs et al. (2022), Mitigating Bias in Calibration Error
    Estimation, AISTATS. Equal scores share a bin, so the order of rows does not matter.
    """
    bin_number = ((pl.col("score").rank("average") - 0.5) / pl.len() * CALIBRATION_BINS).floor()
    gap = (pl.col("score") - pl.col("outcome")).sum().abs()
    bins = known.group_by(bin_number.alias("bin"), maintain_order=True).agg(gap=gap).sort("bin")  # one order of sums, hence one last digit
    return float(bins["gap"].sum() / known.height)


def _log_loss(known: pl.DataFrame) -> float:
    assigned = pl.when(pl.col("outcome") == 1).then(pl.col("score")).otherwise(1 - pl.col("score"))
    return -_mean(known, assigned.clip(CLIP, 1 - CLIP).log(math.e))
