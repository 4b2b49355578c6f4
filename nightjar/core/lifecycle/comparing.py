"""Compare a version with others on the same unseen rows, night by night."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.evidence import Comparison, Evidence, NightLoss
from nightjar.core.lifecycle.resampling import quotient
from nightjar.core.lifecycle.slicing import Sliced, in_slices, sliced
from nightjar.core.lifecycle.training_set import DAY
from nightjar.core.model.slices import OTHERS, Slice

RIVALS = (Of.CONSTANT, Of.BASELINE, Of.CHAMPION, Of.ANCHOR)
AGAINST_PAST = (Of.CHAMPION, Of.ANCHOR)
PARTS = ("at_one_level", "within_nights", "by_level")
"""Of a comparison with a version of the past."""

LevelPart = Callable[[Of, pl.Series], pl.Series]
"""(other, the group of each row) -> the loss of the version less that of the other, as far as the level of
the group explains it. Null where the other has seen the row."""


def of_one_level(other: Of, groups: pl.Series) -> pl.Series:  # noqa: ARG001  # whichever it is
    """The level part of predictors whose levels do not differ."""
    return pl.zeros(groups.len(), pl.Float64, eager=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The loss of each unseen row, by predictor.

    rows: `score_date` and the inputs. of: predictor -> its losses in the order of the rows; null where it has
    seen the row. VERSION has none that is null. numbers: of those predictors that are versions. level: what
    their levels explain.
    """

    rows: pl.DataFrame
    of: Mapping[Of, pl.Series]
    numbers: Mapping[Of, int]
    level: LevelPart = of_one_level

    def by_night(self) -> pl.DataFrame:
        """`score_date`, `rows`, and a column for each predictor, null where it has seen the night."""
        losses = self.rows.select(DAY).with_columns(loss.alias(of) for of, loss in self.of.items())
        return sums(losses, [*self.of])

    def levels_by_night(self, other: Of) -> pl.DataFrame:
        """`score_date`; what the level of all rows explains, `level`, and that of each night, `nightly`."""
        parts = self.rows.select(DAY).with_columns(
            level=self.level(other, self.everywhere), nightly=self.level(other, self.rows[DAY])
        )
        return sums(parts, ["level", "nightly"]).drop("rows").drop_nulls()

    @property
    def everywhere(self) -> pl.Series:
        """One group for all rows."""
        return pl.repeat(0, self.rows.height, eager=True)

    def sliced(self, cut: Slice, beside: Of) -> tuple[Sliced, ...]:
        rows = self.rows.select(DAY, slice=cut.value())
        cells = rows.select(pl.struct(DAY, "slice").rank("dense")).to_series()
        losses = rows.with_columns(
            own=self.of[Of.VERSION] - self.level(beside, self.everywhere),
            within=self.of[Of.VERSION] - self.level(beside, cells),
            other=self.of[beside],
        )
        found = losses.drop_nulls("other")
        return sliced(cut, with_others(found, cut.least_rows) if cut.sensitive else found)


def sums(frame: pl.DataFrame, of: Sequence[str]) -> pl.DataFrame:
    """The losses of each night. One that a predictor has seen in part counts as seen."""
    whole = (pl.when(pl.col(one).null_count() == 0).then(pl.col(one).sum()).alias(one) for one in of)
    return frame.group_by(DAY).agg(pl.len().alias("rows"), *whole).sort(DAY)


def evidence_of(losses: Losses, slices: Sequence[Slice], metrics: Mapping[str, Estimate]) -> Evidence:
    """metrics: the version's own, where they are defined."""
    nights = losses.by_night()
    beside = Of.CHAMPION if _measured(nights, Of.CHAMPION) else Of.BASELINE
    cut = [one for each in slices for one in losses.sliced(each, beside)]
    found, farthest = in_slices([one for one in cut if one.judged], beside)
    return Evidence(
        nights=tuple(_night_losses(nights, [*losses.of])),
        metrics=metrics,
        comparisons=tuple(_compared(losses, nights, other) for other in RIVALS if other in losses.of),
        anchor=losses.numbers.get(Of.ANCHOR),
        slices=found,
        slices_left_out=tuple(one.title for one in cut if not one.judged),
        farthest=farthest,
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


def _compared(losses: Losses, nights: pl.DataFrame, other: Of) -> Comparison:
    rows = int(nights.drop_nulls(other)["rows"].sum())
    found, number = quotient_of(nights, Of.VERSION, other), losses.numbers.get(other)
    whole = Comparison(beside=other, number=number, rows=rows, found=found)
    return whole.model_copy(update=_levels(losses, nights, other)) if other in AGAINST_PAST else whole


def _levels(losses: Losses, nights: pl.DataFrame, other: Of) -> Mapping[str, Estimate | None]:
    own = pl.col(Of.VERSION)
    shared = nights.join(losses.levels_by_night(other), on=DAY).sort(DAY)
    parts = shared.with_columns(
        at_one_level=own - pl.col("level"),
        within_nights=own - pl.col("nightly"),
        by_level=pl.col(other) + pl.col("level"),
    )
    return {name: quotient_of(parts, name, other) for name in PARTS}
