"""A feature table on a file system has one Parquet file for each UTC day of events.

Rows are only added to a generation of a table, never changed or removed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import polars as pl

from nightjar.adapters.files.atomic import write_parquet, write_text
from nightjar.adapters.files.damage import OF_FEATURES, naming_damage
from nightjar.adapters.files.generations import PART, generations_in, partitions, read_from
from nightjar.core.errors.inputs import DamagedFile
from nightjar.core.model.generations import FIRST, Generation
from nightjar.core.model.spec import FeatureTable
from nightjar.core.values import INSTANT, utc

MANIFEST = "_manifest.json"
"""The underscore hides it from readers that read every file of a folder as Parquet."""


@dataclass(frozen=True, slots=True)
class FeatureDirectory:
    """Implements `FeatureFiles`, in files `<root>/features/<table>/date=YYYY-MM-DD/part.parquet`.

    Generations after the first lie in `<root>/features/<table>/<generation>/date=...`.
    Columns: keys, features, `event_timestamp` and `created`.
    Reading is safe at any time. The caller ensures that there is one writer at a time.
    """

    root: Path

    def generations(self, table: FeatureTable) -> tuple[Generation, ...]:
        return generations_in(self._folder(table))

    def use(self, table: FeatureTable, generation: Generation) -> None:
        read_from(self._folder(table), generation)

    def fingerprints(self, table: FeatureTable, generation: str = FIRST) -> dict[date, str]:
        manifest = self._folder(table, generation) / MANIFEST
        if not manifest.exists():
            return {}
        try:
            return {
                date.fromisoformat(day): print_
                for day, print_ in json.loads(manifest.read_text(encoding="utf-8")).items()
            }
        except ValueError as error:
            raise DamagedFile(manifest, str(error), OF_FEATURES) from error

    def write(
        self, table: FeatureTable, rows: pl.DataFrame, built: dict[date, str], generation: str = FIRST
    ) -> int:
        stored = rows.select(pl.col(name).cast(kind) for name, kind in columns_of(table).items())
        by_day = stored.with_columns(partition=pl.col("event_timestamp").dt.date()).partition_by(
            "partition", as_dict=True, include_key=False
        )
        folder = self._folder(table, generation)
        added = sum(_add(file_of(folder, key[0]), part, table) for key, part in sorted(by_day.items()))
        if built:
            known = self.fingerprints(table, generation) | built
            write_text(
                json.dumps({str(day): known[day] for day in sorted(known)}, indent=0), folder / MANIFEST
            )
        return added

    def newest(self, table: FeatureTable, as_of: datetime, generation: str = FIRST) -> datetime | None:
        usable = (pl.col("event_timestamp") <= as_of) & (pl.col("created") <= as_of)
        folders = partitions(self._folder(table, generation))
        for file in (folder / PART for day, folder in folders if day <= utc(as_of).date()):
            with naming_damage([file], OF_FEATURES):
                rows = pl.read_parquet(file, columns=["event_timestamp", "created"], hive_partitioning=False)
            if (found := rows.filter(usable)["event_timestamp"].max()) is not None:
                return cast("datetime", found)
        return None

    def known(
        self,
        table: FeatureTable,
        keys: Mapping[str, Any],
        as_of: datetime,
        known_at: datetime,
        generation: str = FIRST,
    ) -> Mapping[str, Any] | None:
        """Implements `FeatureRows`."""
        usable = pl.col("event_timestamp").is_between(as_of - table.ttl, as_of) & (
            pl.col("created") <= known_at
        )
        mine = [pl.col(name) == pl.lit(value, table.keys[name]) for name, value in keys.items()]
        oldest, newest = utc(as_of - table.ttl).date(), utc(as_of).date()
        folder = self._folder(table, generation)
        for day in (day for day, _ in partitions(folder) if oldest <= day <= newest):
            rows = read_kept(file_of(folder, day), table).filter(usable, *mine)
            if not rows.is_empty():
                return rows.sort("event_timestamp", "created").row(-1, named=True)
        return None

    def _folder(self, table: FeatureTable, generation: str = FIRST) -> Path:
        return self.root / "features" / table.name / generation


def file_of(folder: Path, day: date) -> Path:
    return folder / f"date={day}" / PART


def _add(file: Path, rows: pl.DataFrame, table: FeatureTable) -> int:
    kept = read_kept(file, table)
    merged = with_news(kept, rows, table)
    added = merged.height - kept.height
    if added or lacks_columns(file, table):
        write_parquet(merged, file)
    return added


def columns_of(table: FeatureTable) -> dict[str, pl.DataType]:
    return {**table.keys, **table.features, "event_timestamp": INSTANT, "created": INSTANT}


def read_kept(file: Path, table: FeatureTable) -> pl.DataFrame:
    """Read the rows of a partition. Rows written before a feature was declared hold null for it."""
    empty = pl.DataFrame(schema=columns_of(table))
    if not file.exists():
        return empty
    with naming_damage([file], OF_FEATURES):
        return pl.concat([empty, pl.read_parquet(file, hive_partitioning=False)], how="diagonal").select(
            empty.columns
        )


def lacks_columns(file: Path, table: FeatureTable) -> bool:
    """True if a stored partition was written before a column was declared.

    Feast assumes that all files have the columns of the newest one.
    """
    return not columns_of(table).keys() <= pl.read_parquet_schema(file).keys()


def with_news(kept: pl.DataFrame, rows: pl.DataFrame, table: FeatureTable) -> pl.DataFrame:
    """Return the kept rows and those of the other rows that are new.

    A row is new if its features differ from those of the row that was valid when it was created.
    """
    generation = ["event_timestamp", *table.keys]
    ordered = pl.concat([kept.with_columns(new=False), rows.with_columns(new=True)]).sort(
        *generation, "created", maintain_order=True
    )
    same = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(name).shift(1)) for name in [*generation, *table.features]
    )
    return ordered.filter(~(pl.col("new") & same & (pl.int_range(pl.len()) > 0))).drop("new")
