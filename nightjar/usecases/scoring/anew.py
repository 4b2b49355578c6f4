"""Compute the newest rows of feature tables once more, from what was delivered.

A file of a table that was damaged, left behind, or written by another hand looks like any file of the table.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial

import polars as pl

from nightjar.core.model.generations import FIRST, Generations
from nightjar.core.model.newest_rows import newest_rows
from nightjar.core.model.own_code import rows_by
from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.core.night.entities import Run
from nightjar.core.night.reach import first_used
from nightjar.core.ports.features import FeatureFiles, RecipeOf
from nightjar.core.ports.raw import RawStore
from nightjar.usecases.data.features import Landed, first_recorded
from nightjar.usecases.scoring.feeds import days_near

RECENT_DAYS = 2
"""The newest raw days of which rows are computed: nearly all keys of a daily feed are in one of them."""
MOST_ROWS = 200_000
"""A table that needs more rows of its sources for these days is not computed."""

Asked = tuple[str, date, date]
"""A dataset, and the first and the last day that are read of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anew:
    spec: ModelSpec
    files: FeatureFiles
    recipe_of: RecipeOf

    def newest(self, run: Run, raw: RawStore) -> Mapping[str, pl.DataFrame]:
        """Table -> the newest row of each key that has one on its newest days, as known for a run.

        Left out are streamed tables, those that need too many rows, and those with a source that does not
        remember what it held. A run that knows later corrections has none: its night was read as it was.
        Raises CodeFailed, ContractBroken.
        """
        if run.known_at > run.as_of:
            return {}
        found, read = dict[str, pl.DataFrame](), dict[Asked, pl.DataFrame]()
        tables = [table for table in self.spec.feature_tables if self._computable(table)]
        near = days_near(run)
        sources = dict.fromkeys(name for table in tables for name in table.sources)
        recorded = {name: Landed({}, raw.recorded(name, near)) for name in sources}
        rows_on = cache(partial(self._rows_on, run, raw))
        for table in tables:
            days = newest_days(table, [recorded[name] for name in table.sources], run)
            if days and _few(table, days, rows_on):
                first, last = days[0], days[-1]
                asked = {name: (name, first - timedelta(table.lookback_days), last) for name in table.sources}
                for each in asked.values():
                    if each not in read:
                        read[each] = raw.read(self.spec.dataset(each[0]), *each[1:], run.as_of)
                frames = {name: read[each] for name, each in asked.items()}
                called = f"compute of {table.name}", table.compute, f"for days {first} to {last} once more"
                rows = rows_by(self.spec.name, *called, frames, first, last)
                newest = newest_rows(rows.lazy(), table, run.as_of, run.as_of)
                kinds = {**table.keys, **table.features}.items()
                found[table.name] = newest.select(pl.col(name).cast(kind) for name, kind in kinds).collect()
        return found

    def made_by_this_code(self, table: FeatureTable, generations: Generations) -> bool:
        """False if other code made the rows that a run reads. To know takes longer than to compute rows.

        generations: those that the run reads.
        """
        recipes = {each.name: each.recipe for each in self.files.generations(table)}
        return recipes.get(generations.get(table.name, FIRST)) == self.recipe_of(table)

    def _computable(self, table: FeatureTable) -> bool:
        return not table.streamed and all(self.spec.dataset(name).remembers for name in table.sources)

    def _rows_on(self, run: Run, raw: RawStore, name: str, day: date) -> int:
        rows = raw.scan(self.spec.dataset(name), day, day, run.as_of).select(pl.len())
        return int(rows.collect().item())


def newest_days(table: FeatureTable, sources: Iterable[Landed], run: Run) -> list[date]:
    """The newest raw days that were known at the night's as_of and may be used, oldest first."""
    first, recorded = first_used(table, run.as_of), first_recorded(sources).items()
    return sorted(day for day, instant in recorded if day >= first and instant <= run.as_of)[-RECENT_DAYS:]


def _few(table: FeatureTable, days: list[date], rows_on: Callable[[str, date], int]) -> bool:
    """True if the sources have few rows, supposed that all days have as many as the newest one."""
    read = (days[-1] - days[0]).days + table.lookback_days + 1
    return sum(rows_on(name, days[-1]) for name in table.sources) * read <= MOST_ROWS
