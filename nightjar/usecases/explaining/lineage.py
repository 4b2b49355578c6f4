"""Trace the inputs of a row to the feature rows that the night read, and to raw rows and their files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import polars as pl

from nightjar.core.explaining.lineage import of_row, sources_of
from nightjar.core.explaining.row import FeatureRow, Source
from nightjar.core.model.generations import FIRST
from nightjar.core.model.own_code import rows_by, streamed_rows_by
from nightjar.core.model.spec import FeatureTable, RawFrames
from nightjar.core.night.entities import Run
from nightjar.core.ports.features import FeatureRows
from nightjar.usecases.data.windows import read_windows
from nightjar.usecases.scoring.inputs import NightInputs

NEAR = (0, -1, 1)
"""How many days a row's raw day may lie from the UTC day of its event: zones differ by less than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where the inputs of a row come from. It only reads."""

    inputs: NightInputs
    tables: FeatureRows

    def population(self, run: Run, row: Mapping[str, Any]) -> Iterator[Source]:
        """The raw rows that the population of a run was made of, of those that agree with a row of it."""
        spec = self.inputs.spec
        read = read_windows(spec, self.inputs.raw, spec.population_reads, run.score_date, run.known_at)
        for name, rows in read.items():
            yield from self._sources(name, rows, of_row(rows, row, rows.columns))

    def features(self, run: Run, row: Mapping[str, Any]) -> Iterator[FeatureRow]:
        """For each feature table the row that the run read, and the raw rows behind it."""
        generations = self.inputs.generations(run) or {}
        for table in self.inputs.spec.feature_tables:
            keys = {name: row.get(name) for name in table.keys}
            found = self.tables.known(
                table, keys, run.as_of, run.known_at, generations.get(table.name, FIRST)
            )
            yield self._made_of(table, keys, found)

    def _made_of(
        self, table: FeatureTable, keys: Mapping[str, Any], found: Mapping[str, Any] | None
    ) -> FeatureRow:
        if found is None:
            return FeatureRow(table=table.name, keys=keys)
        told = {"table": table.name, "keys": keys} | {
            name: found[name] for name in ("event_timestamp", "created")
        }
        days = (found["event_timestamp"].date() + timedelta(days=n) for n in NEAR)
        for day in days:
            frames = self._frames(table, day, found)
            made = self._row(table, day, frames, found)
            if made is not None:
                same = all(made[name] == found[name] for name in table.features)
                sources = tuple(
                    source
                    for name, rows in frames.items()
                    for source in self._sources(name, rows, of_row(rows, keys, table.keys))
                )
                return FeatureRow(**told, raw_day=day, same=same, sources=sources)
        return FeatureRow(**told)

    def _frames(self, table: FeatureTable, day: date, found: Mapping[str, Any]) -> RawFrames:
        """The raw rows that a day of the table saw when the row was made."""
        spec, first = self.inputs.spec, day - timedelta(days=table.lookback_days)
        return {
            name: self.inputs.raw.read(spec.dataset(name), first, day, known_at=found["created"])
            for name in table.sources
        }

    def _row(
        self, table: FeatureTable, day: date, frames: RawFrames, found: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """The row of the same keys and event that today's code makes of a day; None if it makes none."""
        name, field = self.inputs.spec.name, f"compute of {table.name}"
        called = partial(streamed_rows_by if table.streamed else rows_by, name, field, table.compute)
        given = {name: rows.lazy() for name, rows in frames.items()} if table.streamed else frames
        rows = called(f"for days {day} to {day}", given, day, day)
        same = [pl.col(name).eq_missing(pl.lit(found[name])) for name in (*table.keys, "event_timestamp")]
        return next(rows.filter(same).iter_rows(named=True), None)

    def _sources(self, name: str, rows: pl.DataFrame, belongs: pl.Series) -> Iterator[Source]:
        dataset = self.inputs.spec.dataset(name)
        return sources_of(dataset, rows, belongs, partial(self.inputs.raw.place, dataset))
