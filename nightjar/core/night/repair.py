"""What later knowledge touches: the rows of a published night that are scored again.

The other rows keep their scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import polars as pl

from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.part_rows import SCORES


class Cause(StrEnum):
    """Why published nights are mended."""

    LATE = "late"
    QUARANTINE = "quarantine"


CARRIED = {
    "carried_score": pl.Float64(),
    "carried_challenger_score": pl.Float64(),
    "carried_from": pl.Int32(),
}
"""Columns of a repair's population: the score that a row keeps and the run that computed it.

Both are null where the row is to be scored.
"""


@dataclass(frozen=True, slots=True)
class Touched:
    """Entities of a night by what became of their inputs: they changed, the entity is new, or it is gone.

    columns: those of the population and the features in which any of the changed differs.
    """

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.removed)


def late_days(
    recorded: Mapping[date, Sequence[datetime]], since: datetime, until: datetime
) -> dict[date, datetime]:
    """Days about which something came late, and when it last did.

    Late is a correction in (since, until], or a first file in that time though a later day was known at
    `since`.
    recorded: each landed day with the instants of its deliveries, oldest first. The newest days, which nobody
    could have had, are not late.
    """
    known = [day for day, instants in recorded.items() if instants[0] <= since]
    newest = max(known, default=date.min)
    late = {
        day: [instant for instant in instants if since < instant <= until]
        for day, instants in sorted(recorded.items())
        if day <= newest
    }
    return {day: instants[-1] for day, instants in late.items() if instants}


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows that stood there before.

    same: keys of those that have the same values in every column; differing: columns in which others differ.
    """

    same: pl.Series
    differing: frozenset[str]


def compared(then: pl.DataFrame, now: pl.DataFrame) -> Compared:
    """The sound rows of both. In a column that `then` had not, they all differ."""
    columns = [name for name in now.columns if name != "entity_key"]
    before = sound(then).select("entity_key", *(name for name in columns if name in then.columns))
    both = sound(now).join(before, on="entity_key", suffix="_then", maintain_order="left")
    differs = both.select(
        pl.col(name).ne_missing(pl.col(f"{name}_then"))
        if name in then.columns
        else pl.repeat(value=True, n=pl.len()).alias(name)
        for name in columns
    )
    same = both["entity_key"].filter(~differs.select(pl.any_horizontal(pl.all())).to_series())
    return Compared(same, frozenset(name for name in columns if differs[name].any()))


def sound(population: pl.DataFrame) -> pl.DataFrame:
    """The rows that could be scored: those whose key is there, once."""
    return population.filter(pl.col("fault").is_null()) if "fault" in population.columns else population


def touched(then: pl.DataFrame, now: pl.DataFrame, found: Compared) -> Touched:
    """What became of the sound rows of two populations, given how their inputs compare."""
    before, after = set(sound(then)["entity_key"]), set(sound(now)["entity_key"])
    return Touched(
        ordered((before & after) - set(found.same)),
        ordered(after - before),
        ordered(before - after),
        ordered(found.differing),
    )


def came_from(touched: Touched, spec: ModelSpec) -> frozenset[str]:
    """Names of the raw datasets that what touched a night can have come from."""
    tables = [table for table in spec.feature_tables if set(table.features) & set(touched.columns)]
    of_features = {name for table in tables for name in table.features}
    of_population = touched.added or touched.removed or set(touched.columns) - of_features
    return frozenset(
        (
            *(source for table in tables for source in table.sources),
            *([spec.population_dataset] if of_population else []),
        )
    )


def ordered(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(keys))


def with_carried(now: pl.DataFrame, same: pl.Series, scores: pl.DataFrame, base_id: int) -> pl.DataFrame:
    """The population with the columns CARRIED: the published score of each row whose inputs are the same.

    scores: `entity_key`, `score`, `challenger_score`, `carried_from` of the run `base_id`. What was
    quarantined there has no score to keep.
    """
    kept = scores.filter(pl.col("entity_key").is_in(same.implode())).select(
        "entity_key",
        carried_score="score",
        carried_challenger_score="challenger_score",
        carried_from=pl.col("carried_from").fill_null(base_id).cast(pl.Int32),
    )
    return now.join(kept, on="entity_key", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("fault").is_null()).then(pl.col(name)) for name in CARRIED
    )


def split_carried(population: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The scores that rows keep, with the columns SCORES.

    Also the rows that are to be scored, without the columns CARRIED.
    """
    if "carried_from" not in population.columns:
        return pl.DataFrame(schema=SCORES), population
    kept = population.filter(pl.col("carried_from").is_not_null())
    scores = kept.select(
        "entity_key",
        score="carried_score",
        challenger_score="carried_challenger_score",
        carried_from="carried_from",
    )
    return scores, population.filter(pl.col("carried_from").is_null()).drop(CARRIED)
