"""Whether a version is worse than another on one of many slices.

Two quotients of loss are looked at on each slice. One leaves out what the level of all rows explains. The
other leaves out the level of each night on the slice as well. It holds what tells the rows of one night
apart: that is less, and far less noisy, because delays of a night come together.

Of some twenty slices one often looks bad by chance. How far the farthest of them strays by chance is seen in
the draws of the bootstrap, which take the same nights for all slices (the max-T method: Westfall and Young
1993, Resampling-Based Multiple Testing). Slices that share rows stray together, so this bound is milder than
one for independent slices. For few nights it is widened as much as a bound of the t distribution is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf
from statistics import NormalDist

import numpy as np
import polars as pl

from nightjar.core.kinds.estimates import Estimate, t_quantile
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.evidence import SliceLoss
from nightjar.core.lifecycle.resampling import Sums, drawn_quotients, quotient
from nightjar.core.lifecycle.training_set import DAY
from nightjar.core.model.slices import Slice

STEPS = 200
"""So many quantiles are kept of how far the farthest slice strays."""
PARTS = ("own", "within", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliced:
    """The losses of a slice by night, 0 where it has no row.

    own: of the version, apart from the level of all rows. within: apart from the level of each night on the
    slice. other: of the one that it is compared with.
    """

    cut: Slice
    value: str
    rows: int
    own: Sums
    within: Sums
    other: Sums

    @property
    def title(self) -> str:
        return f"{self.cut.name} {self.value}"

    @property
    def judged(self) -> bool:
        return self.cut.sensitive or self.rows >= self.cut.least_rows


def sliced(cut: Slice, losses: pl.DataFrame) -> tuple[Sliced, ...]:
    """losses: `score_date`, `slice` and PARTS of each row."""
    nights = losses.select(pl.col(DAY).unique().sort())
    by_value = losses.partition_by("slice", as_dict=True)
    return tuple(_slice(cut, value, rows, nights) for (value,), rows in sorted(by_value.items()))


def _slice(cut: Slice, value: object, rows: pl.DataFrame, nights: pl.DataFrame) -> Sliced:
    by_night = nights.join(rows.group_by(DAY).agg(pl.col(PARTS).sum()), on=DAY, how="left").sort(DAY)
    own, within, other = (by_night[part].fill_null(0.0).to_numpy() for part in PARTS)
    return Sliced(cut=cut, value=str(value), rows=rows.height, own=own, within=within, other=other)


def in_slices(found: Sequence[Sliced], beside: Of) -> tuple[tuple[SliceLoss, ...], tuple[float, ...]]:
    """The comparison on each slice, and the quantiles of how far the farthest strays."""
    told = tuple(
        SliceLoss(
            slice=one.cut.name,
            value=one.value,
            beside=beside,
            rows=one.rows,
            found=quotient(one.own, one.other),
            within=quotient(one.within, one.other),
        )
        for one in found
    )
    strays = [*_strays(found, told)]
    farthest = np.quantile(np.max(strays, axis=0), np.linspace(0, 1, STEPS + 1)) if strays else np.empty(0)
    return told, tuple(farthest.round(4).tolist())


def _strays(found: Sequence[Sliced], told: Sequence[SliceLoss]) -> Iterator[Sums]:
    """Of each quotient, in each draw, by how many standard errors it lies above its value."""
    for one, loss in zip(found, told, strict=True):
        for own, estimate in ((one.own, loss.found), (one.within, loss.within)):
            drawn = drawn_quotients(own, one.other)
            if estimate and estimate.error and drawn is not None:
                yield (drawn - estimate.value) / estimate.error


def bound(farthest: Sequence[float], tail: float, degrees: float) -> float:
    """Beyond how many standard errors any slice lies by chance with this probability."""
    widened = t_quantile(1 - tail, degrees) / NormalDist().inv_cdf(1 - tail)
    return farthest[ceil((1 - tail) * (len(farthest) - 1))] * widened


def worst_part(one: SliceLoss, limit: float) -> Estimate | None:
    """Of the two quotients of a slice the one that lies farther above a limit, by its error."""
    known = [each for each in (one.found, one.within) if each is not None and each.error is not None]
    return max(known, key=lambda each: beyond(each, limit), default=None)


def beyond(found: Estimate, limit: float) -> float:
    """By how many standard errors a value lies above a limit."""
    if not found.error:
        return inf if found.value > limit else -inf
    return (found.value - limit) / found.error


def worse(
    slices: Sequence[SliceLoss], farthest: Sequence[float], limit: float, alpha: float
) -> tuple[tuple[SliceLoss, Estimate], ...]:
    """Those surely above a limit, each by its worst part, the worst first.

    alpha: the probability that any is told wrongly.
    farthest: empty in older evidence. Then each slice gets its share of alpha.
    """
    told = [(one, part) for one in slices if (part := worst_part(one, limit)) is not None]

    def needed(degrees: float) -> float:
        return bound(farthest, alpha, degrees) if farthest else t_quantile(1 - alpha / len(told), degrees)

    bad = [(one, part) for one, part in told if beyond(part, limit) > needed(part.degrees)]
    return tuple(sorted(bad, key=lambda each: -each[1].value))
