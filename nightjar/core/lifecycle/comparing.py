"""Compare a version with others on the same unseen rows, night by night."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.evidence import Comparison, Evidence, NightLoss, SliceLoss
from nightjar.core.lifecycle.resampling import quotient
from nightjar.core.lifecycle.training_set import DAY
from nightjar.core.model.slices import OTHERS, Slice

RIVALS = (Of.CONSTANT, Of.BASELINE, Of.CHAMPION, Of.ANCHOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The loss of each unseen row, by predictor.

    rows: `score_date` and the inputs. of: predictor -> its losses in the order of the rows; null where it has
    seen the row. VERSION has none that is null. numbers: of those predictors that are versions.
    """

    rows: pl.DataFrame
    of: Mapping[Of, pl.Series]
    numbers: Mapping[Of, int]

    def by_night(self) -> pl.DataFrame:
        """`score_date`, `rows`, and a column for each predictor, null where it has seen the night."""
        return sums(self.frame(), [*self.of])

    def frame(self, **columns: pl.Expr) -> pl.DataFrame:
        """`score_date`, the losses by name of the predictor, and expressions on the inputs."""
        beside = self.rows.select(DAY, **columns)
        return beside.with_columns(loss.alias(of) for of, loss in self.of.items())


def sums(frame: pl.DataFrame, of: Sequence[Of]) -> pl.DataFrame:
    """The losses of each night. One that a predictor has seen in part counts as seen."""
    whole = (pl.when(pl.col(one).null_count() == 0).then(pl.col(one).sum()).alias(one) for one in of)
    return frame.group_by(DAY).agg(pl.len().alias("rows"), *whole).sort(DAY)


def evidence_of(losses: Losses, slices: Sequence[Slice], metrics: Mapping[str, Estimate]) -> Evidence:
    """metrics: the version's own, where they are defined."""
    nights = losses.by_night()
    beside = Of.CHAMPION if _measured(nights, Of.CHAMPION) else Of.BASELINE
    found = [(cut, one) for cut in slices for one in _slice_losses(losses, cut, beside)]
    return Evidence(
        nights=tuple(_night_losses(nights, [*losses.of])),
        metrics=metrics,
        comparisons=tuple(
            _compared(nights, other, losses.numbers.get(other)) for other in RIVALS if other in losses.of
        ),
        anchor=losses.numbers.get(Of.ANCHOR),
        slices=tuple(one for cut, one in found if cut.sensitive or one.rows >= cut.least_rows),
        slices_left_out=tuple(
            one.title for cut, one in found if not cut.sensitive and one.rows < cut.least_rows
        ),
    )


def quotient_of(nights: pl.DataFrame, own: str, other: str) -> Estimate | None:
    """The loss of one predictor over that of another, on the nights that have both.

    nights: a column of losses for each predictor, null where it has none; a row a night, oldest first.
    """
    shared = nights.drop_nulls([own, other])
    return quotient(shared[own].to_numpy(), shared[other].to_numpy())


def best_of_the_past(nights: pl.DataFrame, alpha: float) -> Of:
    """ANCHOR, until the champion is surely better on the same nights, or the anchor cannot be measured.

    The champion of the day would be a poor anchor: each could lose a little to the one before. The best by
    value would be one that was lucky on these nights.
    """
    found = quotient_of(nights, Of.CHAMPION, Of.ANCHOR)
    return Of.CHAMPION if found is None or found.within(alpha)[1] < 1 else Of.ANCHOR


def with_others(frame: pl.DataFrame, least_rows: int) -> pl.DataFrame:
    """The rows, with one value of `slice` for all values that have fewer rows than these."""
    few = pl.len().over("slice") < least_rows
    return frame.with_columns(slice=pl.when(few).then(pl.lit(OTHERS)).otherwise("slice"))


def _measured(nights: pl.DataFrame, of: Of) -> bool:
    return of in nights.columns and nights[of].null_count() < nights.height


def _night_losses(nights: pl.DataFrame, of: Sequence[Of]) -> Iterator[NightLoss]:
    for night in nights.iter_rows(named=True):
        losses = {one: night[one] for one in of}
        yield NightLoss(score_date=night[DAY], rows=night["rows"], losses=losses)


def _compared(nights: pl.DataFrame, other: Of, number: int | None) -> Comparison:
    rows = int(nights.drop_nulls(other)["rows"].sum())
    found = quotient_of(nights, Of.VERSION, other)
    return Comparison(beside=other, number=number, rows=rows, found=found)


def _slice_losses(losses: Losses, cut: Slice, beside: Of) -> Iterator[SliceLoss]:
    frame = losses.frame(slice=cut.value()).drop_nulls(beside)
    judged = with_others(frame, cut.least_rows) if cut.sensitive else frame
    for (value,), rows in sorted(judged.partition_by("slice", as_dict=True).items()):
        found = quotient_of(sums(rows, [Of.VERSION, beside]), Of.VERSION, beside)
        yield SliceLoss(slice=cut.name, value=value, beside=beside, rows=rows.height, found=found)
