"""A repair scores the rows of a published night that later knowledge changes.

The other rows keep their scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import polars as pl

from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.part_rows import SCORES
from nightjar.core.unequal import unequal


class Cause(StrEnum):
    """The reason for repairing published nights."""

    LATE = "late"
    QUARANTINE = "quarantine"


CARRIED = {
    "carried_score": pl.Float64(),
    "carried_outputs": OUTPUTS,
    "carried_challenger_score": pl.Float64(),
    "carried_challenger_outputs": OUTPUTS,
    "carried_from": pl.Int32(),
}
"""Columns of a repair's population: the scores that a row keeps, and the run that computed them.

All are null where the row is to be scored. A column of outputs is absent where no row has any.
"""

CARRIED_OUTPUTS = tuple(name for name, dtype in CARRIED.items() if dtype == OUTPUTS)


@dataclass(frozen=True, slots=True)
class Touched:
    """Entities of a night whose inputs changed, that are new, or that are gone.

    columns: columns of the population and the features in which any changed entity differs.
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
    """Return the days with late deliveries, and the instant of the last one.

    A correction in (since, until] is late. A first file in that time is late if a later day was already known
    at `since`.
    recorded: each landed day with the instants of its deliveries, oldest first. The newest days could not
    have been known earlier, so they are not late.
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
    """The comparison of rows that were in the population before.

    same: keys of rows with the same values in every column. differing: columns in which other rows differ.
    """

    same: pl.Series
    differing: frozenset[str]


def compared(then: pl.DataFrame, now: pl.DataFrame) -> Compared:
    """Compare the sound rows of both. All rows differ in a column that `then` lacks, or has of a type whose
    values are never equal to those of now.
    """
    columns = [name for name in now.columns if name != "entity_key"]
    before = sound(then).select("entity_key", *(name for name in columns if name in then.columns))
    both = sound(now).join(before, on="entity_key", suffix="_then", maintain_order="left")
    differs = both.select(
        pl.repeat(value=True, n=pl.len()).alias(name)
        if name not in then.columns
        else unequal(both[name], both[f"{name}_then"])
        for name in columns
    )
    same = both["entity_key"].filter(~differs.select(pl.any_horizontal(pl.all())).to_series())
    return Compared(same, frozenset(name for name in columns if differs[name].any()))


def sound(population: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that could be scored: rows with a key, once per key."""
    if "fault" not in population.columns or population["fault"].null_count() == population.height:
        return population
    return population.filter(pl.col("fault").is_null())


def touched(then: pl.DataFrame, now: pl.DataFrame, found: Compared) -> Touched:
    """Return the changed, new and gone entities of two populations, given the comparison of their inputs."""
    before, after = set(sound(then)["entity_key"]), set(sound(now)["entity_key"])
    return Touched(
        ordered((before & after) - set(found.same)),
        ordered(after - before),
        ordered(before - after),
        ordered(found.differing),
    )


def came_from(touched: Touched, spec: ModelSpec) -> frozenset[str]:
    """Return the names of the raw datasets that can have caused the changes of a night."""
    tables = [table for table in spec.feature_tables if set(table.features) & set(touched.columns)]
    of_features = {name for table in tables for name in table.features}
    of_population = touched.added or touched.removed or set(touched.columns) - of_features
    return frozenset(
        (
            *(source for table in tables for source in table.sources),
            *([window.dataset for window in spec.population_reads] if of_population else []),
        )
    )


def ordered(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(keys))


def with_carried(now: pl.DataFrame, same: pl.Series, scores: pl.DataFrame, base_id: int) -> pl.DataFrame:
    """Return the population with the columns CARRIED: the published score of each row with the same inputs.

    scores: the columns SCORES of the run `base_id`. A row that was quarantined there has no score to keep.
    """
    kept = scores.filter(pl.col("entity_key").is_in(same.implode())).select(
        "entity_key",
        carried_score="score",
        carried_outputs="outputs",
        carried_challenger_score="challenger_score",
        carried_challenger_outputs="challenger_outputs",
        carried_from=pl.col("carried_from").fill_null(base_id).cast(pl.Int32),
    )
    kept = kept.drop(name for name in CARRIED_OUTPUTS if kept[name].null_count() == kept.height)
    return now.join(kept, on="entity_key", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("fault").is_null()).then(pl.col(name)) for name in CARRIED if name in kept.columns
    )


def in_exchange(scores: pl.DataFrame) -> pl.DataFrame:
    """The scores of rows with champion and challenger in each other's place. The new champion serves each.

    scores: the columns SCORES, with a challenger_score in each row.
    """
    return scores.select(
        "entity_key",
        score="challenger_score",
        outputs="challenger_outputs",
        challenger_score="score",
        challenger_outputs="outputs",
        arm=pl.lit(None, pl.String),
        carried_from=pl.lit(None, pl.Int32),
    )


def without_arms(scores: pl.DataFrame) -> pl.DataFrame:
    """The scores of rows with the champion serving each. scores: the columns SCORES."""
    return scores.with_columns(arm=pl.lit(None, pl.String), carried_from=pl.lit(None, pl.Int32))


def without_carried(population: pl.DataFrame) -> pl.DataFrame:
    """The rows of a population without the scores that a repair kept."""
    return population.drop(CARRIED, strict=False)


def split_carried(population: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return two frames: the kept scores, and the rows that are to be scored.

    The first has the columns SCORES, without arms. The second does not have the columns CARRIED.
    """
    if "carried_from" not in population.columns:
        return pl.DataFrame(schema=SCORES), population
    absent = [pl.lit(None, OUTPUTS).alias(name) for name in CARRIED_OUTPUTS if name not in population.columns]
    kept = population.filter(pl.col("carried_from").is_not_null()).with_columns(absent)
    scores = kept.select(
        "entity_key",
        score="carried_score",
        outputs="carried_outputs",
        challenger_score="carried_challenger_score",
        challenger_outputs="carried_challenger_outputs",
        arm=pl.lit(None, pl.String),
        carried_from="carried_from",
    )
    return scores, population.filter(pl.col("carried_from").is_null()).drop(CARRIED, strict=False)
