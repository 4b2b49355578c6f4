"""Whether a night that is scored again gives what it gave, and where it does not: by column and row."""

from collections.abc import Iterable, Sequence
from math import isclose

import polars as pl

from nightjar.core.comparison.entities import ColumnProfile
from nightjar.core.night.part_rows import SCORES
from nightjar.core.unequal import unequal
from nightjar.core.values import Value

EXAMPLES = 5
COMPARED = tuple(name for name in SCORES if name not in ("entity_key", "carried_from"))
SAME = 1e-9
"""Two means of the same values may differ by this share: the order in which they are added may differ."""


class Example(Value):
    entity_key: str
    then: str
    now: str


class ColumnDifference(Value):
    """A column in which rows differ. largest: the greatest distance of two numbers in it, if any."""

    column: str
    rows: int
    largest: float | None = None
    examples: tuple[Example, ...]


class Replayed(Value):
    """What a replay of a run found.

    rows: scores that were compared. missing: keys that have no score now. added: keys that had none.
    scores: the columns of scores that differ. profiles: inputs of which the run read other values, as far as
    its profile tells. source: inputs that the source gives otherwise today; gone, new: keys that it does not
    give any more, or gives only now. changed: what is another since the version was trained.
    """

    model: str
    run_id: int
    version: int
    rows: int
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    scores: tuple[ColumnDifference, ...] = ()
    profiles: tuple[str, ...] = ()
    source: tuple[ColumnDifference, ...] = ()
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        found = (self.missing, self.added, self.scores, self.profiles, self.source, self.gone, self.new)
        return not any(found)


def only_in(first: pl.DataFrame, second: pl.DataFrame) -> tuple[str, ...]:
    """The keys of one frame that another lacks, sorted."""
    return tuple(first.join(second, on="entity_key", how="anti")["entity_key"].unique().sort())


def differences(
    then: pl.DataFrame, now: pl.DataFrame, columns: Iterable[str]
) -> tuple[ColumnDifference, ...]:
    """The columns in which rows of the same key are not bit for bit the same.

    A column that only one of the frames has is null in the other.
    """
    both = then.join(now, on="entity_key", suffix="_now").sort("entity_key")
    found = (
        difference(both["entity_key"], name, _column(then, both, name), _column(now, both, name, "_now"))
        for name in columns
    )
    return tuple(one for one in found if one is not None)


def difference(keys: pl.Series, column: str, then: pl.Series, now: pl.Series) -> ColumnDifference | None:
    """None if all values are the same."""
    rows = pl.DataFrame({"entity_key": keys, "then": then, "now": now})
    differing = rows.filter(unequal(rows["then"], rows["now"]))
    if differing.is_empty():
        return None
    largest = _largest(differing["then"], differing["now"])
    return ColumnDifference(
        column=column,
        rows=differing.height,
        largest=largest,
        examples=tuple(
            Example(entity_key=key, then=repr(old), now=repr(new))
            for key, old, new in differing.head(EXAMPLES).iter_rows()
        ),
    )


def _largest(then: pl.Series, now: pl.Series) -> float | None:
    """The greatest distance of two numbers in the same place. None if there is none."""
    if not (then.dtype.is_numeric() and now.dtype.is_numeric()):
        return None
    # In their own type the difference of two unsigned or small numbers may be none that it holds.
    kind = pl.Int128() if then.dtype.is_integer() and now.dtype.is_integer() else pl.Float64()
    found = (then.cast(kind) - now.cast(kind)).abs().max()
    return found if isinstance(found, float | int) else None


def _column(of: pl.DataFrame, both: pl.DataFrame, name: str, suffix: str = "") -> pl.Series:
    if name not in of.columns:
        return pl.Series(name, [None] * both.height)
    renamed = f"{name}{suffix}"
    return both[renamed] if renamed in both.columns else both[name]


def together(
    parts: Sequence[tuple[ColumnDifference, ...]],
) -> tuple[ColumnDifference, ...]:
    """The differences of several frames of the same columns, as one."""
    names = dict.fromkeys(one.column for part in parts for one in part)
    return tuple(_sum([one for part in parts for one in part if one.column == name]) for name in names)


def _sum(found: Sequence[ColumnDifference]) -> ColumnDifference:
    largest = [one.largest for one in found if one.largest is not None]
    return ColumnDifference(
        column=found[0].column,
        rows=sum(one.rows for one in found),
        largest=max(largest, default=None),
        examples=tuple(example for one in found for example in one.examples)[:EXAMPLES],
    )


def profiled_otherwise(
    then: Iterable[ColumnProfile], now: Iterable[ColumnProfile], inputs: Iterable[str]
) -> tuple[str, ...]:
    """The inputs whose stored profile is not that of the same rows now."""
    kept, made = ({one.column: one for one in profiles} for profiles in (then, now))
    return tuple(name for name in inputs if name in kept and name in made and _other(kept[name], made[name]))


def _other(then: ColumnProfile, now: ColumnProfile) -> bool:
    exactly = {"rows", "nulls", "distinct", "quantiles", "categories"}
    if then.model_dump(include=exactly) != now.model_dump(include=exactly):
        return True
    return not all(_close(getattr(then, name), getattr(now, name)) for name in ("mean", "stddev"))


def _close(then: float | None, now: float | None) -> bool:
    if then is None or now is None:
        return then is now
    return isclose(then, now, rel_tol=SAME, abs_tol=SAME)
