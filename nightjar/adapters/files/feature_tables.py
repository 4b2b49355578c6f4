"""A feature table on a file system has one Parquet file for each UTC day of events.

Rows are only added, never changed or removed.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import cast

import polars as pl

from nightjar.adapters.files.atomic import write_parquet, write_text
from nightjar.adapters.files.damage import OF_FEATURES, naming_damage
from nightjar.core.errors.inputs import DamagedFile
from nightjar.core.model.spec import FeatureTable
from nightjar.core.values import INSTANT, utc

MANIFEST = "_manifest.json"
"""The underscore hides it from readers that read every file of a folder as Parquet."""


@dataclass(frozen=True, slots=True)
class FeatureDirectory:
    """Implements `FeatureFiles`, in files `<root>/features/<table>/date=YYYY-MM-DD/part.parquet`.

    Columns: keys, features, `event_timestamp` and `created`.
    Reading is safe at any time. The caller ensures that there is one writer at a time.
    """

    root: Path

    def fingerprints(self, table: FeatureTable) -> dict[date, str]:
        manifest = self._folder(table) / MANIFEST
        if not manifest.exists():
            return {}
        try:
            return {
                date.fromisoformat(day): print_
                for day, print_ in json.loads(manifest.read_text(encoding="utf-8")).items()
            }
        except ValueError as error:
            raise DamagedFile(manifest, str(error), OF_FEATURES) from error

    def write(self, table: FeatureTable, rows: pl.DataFrame, built: dict[date, str]) -> int:
        stored = rows.select(pl.col(name).cast(kind) for name, kind in columns_of(table).items())
        partitions = stored.with_columns(partition=pl.col("event_timestamp").dt.date()).partition_by(
            "partition", as_dict=True, include_key=False
        )
        added = sum(self._add(table, key[0], part) for key, part in sorted(partitions.items()))
        if built:
            known = self.fingerprints(table) | built
            write_text(
                json.dumps({str(day): known[day] for day in sorted(known)}, indent=0),
                self._folder(table) / MANIFEST,
            )
        return added

    def newest(self, table: FeatureTable, as_of: datetime) -> datetime | None:
        days = sorted((_day_of(folder) for folder in self._folder(table).glob("date=*")), reverse=True)
        usable = (pl.col("event_timestamp") <= as_of) & (pl.col("created") <= as_of)
        for day in (day for day in days if day <= utc(as_of).date()):
            file = self._file(table, day)
            with naming_damage([file], OF_FEATURES):
                rows = pl.read_parquet(file, columns=["event_timestamp", "created"], hive_partitioning=False)
            if (found := rows.filter(usable)["event_timestamp"].max()) is not None:
                return cast("datetime", found)
        return None

    def _add(self, table: FeatureTable, day: date, rows: pl.DataFrame) -> int:
        file = self._file(table, day)
        kept = read_kept(file, table)
        merged = with_news(kept, rows, table)
        added = merged.height - kept.height
        if added or lacks_columns(file, table):
            write_parquet(merged, file)
        return added

    def _file(self, table: FeatureTable, day: date) -> Path:
        return self._folder(table) / f"date={day}" / "part.parquet"

    def _folder(self, table: FeatureTable) -> Path:
        return self.root / "features" / table.name


def _day_of(folder: Path) -> date:
    try:
        return date.fromisoformat(folder.name.removeprefix("date="))
    except ValueError as error:
        raise DamagedFile(
            folder, "its name is no date", "Move it out of the table's folder: all files in it are read."
        ) from error


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
