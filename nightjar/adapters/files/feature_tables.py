"""A feature table on a file system has one Parquet file for each UTC day of events, or for a past month.

Rows are only added to a generation of a table, never changed or removed. A file that is lost all the same is
built again.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import polars as pl

from nightjar.adapters.feast_polars.spans import Span
from nightjar.adapters.files.atomic import write_parquet, write_text
from nightjar.adapters.files.compaction import STILL_READ, compact
from nightjar.adapters.files.damage import OF_FEATURES, naming_damage
from nightjar.adapters.files.generations import (
    PART,
    folder_name,
    generations_in,
    partitions,
    partitions_read,
    read_from,
)
from nightjar.core.errors.inputs import DamagedFile
from nightjar.core.model.generations import FIRST, Generation
from nightjar.core.model.newest_rows import newest_rows
from nightjar.core.model.spec import FeatureTable
from nightjar.core.values import INSTANT, utc

RECENT_FILES = 2
"""The newest days of which `recent` reads the rows: nearly all keys of a daily feed have one there."""
MANIFEST = "_manifest.json"
"""The underscore hides it from readers that read every file of a folder as Parquet."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation was built of, and the days of the files that it had then."""

    built: Mapping[date, str]
    files: Sequence[Span]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Manifest":
        """Raises ValueError, TypeError, AttributeError. Manifests once had the built days alone."""
        built: Mapping[str, str] = told.get("built", told)
        return cls(
            {date.fromisoformat(day): print_ for day, print_ in built.items()},
            tuple(map(Span.of, told.get("files", ()))),
        )

    def lost(self, there: Collection[Span]) -> list[Span]:
        """The days of its files that are not there, neither by themselves nor put together with others."""
        wide = [span for span in there if span.several]
        return [
            span for span in self.files if span not in there and not any(each.holds(span) for each in wide)
        ]

    def text(self) -> str:
        built = {str(day): self.built[day] for day in sorted(self.built)}
        return json.dumps({"built": built, "files": [*map(str, sorted(self.files))]}, indent=0)


@dataclass(frozen=True, slots=True)
class FeatureDirectory:
    """Implements `FeatureFiles`, in files `<root>/features/<table>/date=YYYY-MM-DD/part.parquet`.

    Small files of a past month are one, in `date=YYYY-MM-01..YYYY-MM-DD`.
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
        kept, lost = self._state(table, generation)
        return {} if lost else dict(kept.built)

    def lost(self, table: FeatureTable, generation: str = FIRST) -> tuple[str, ...]:
        folder, (_, lost) = self._folder(table, generation), self._state(table, generation)
        return tuple(str(folder / folder_name(span) / PART) for span in lost)

    def write(
        self, table: FeatureTable, rows: pl.DataFrame, built: dict[date, str], generation: str = FIRST
    ) -> int:
        stored = rows.select(pl.col(name).cast(kind) for name, kind in columns_of(table).items())
        folder = self._folder(table, generation)
        kept, lost = self._state(table, generation)
        if built and lost:
            # A lost file may come back in parts, and the writer may be killed between them.
            write_text(Manifest({}, ()).text(), folder / MANIFEST)
        added = sum(_add(file, part, table) for file, part in _by_file(folder, stored))
        read = generation in {each.name for each in self.generations(table)}
        compact(folder, STILL_READ if read else timedelta(0))
        if built:
            files = tuple(span for span, _ in self.files(table, generation))
            known = {} if lost else kept.built
            write_text(Manifest({**known, **built}, files).text(), folder / MANIFEST)
        return added

    def files(self, table: FeatureTable, generation: str = FIRST) -> list[tuple[Span, Path]]:
        """The files that hold all rows of a generation, with the UTC dates of their events, newest first."""
        return partitions(self._folder(table, generation))

    def newest(self, table: FeatureTable, as_of: datetime, generation: str = FIRST) -> datetime | None:
        usable = (pl.col("event_timestamp") <= as_of) & (pl.col("created") <= as_of)
        for file in (file for span, file in self.files(table, generation) if span.first <= utc(as_of).date()):
            with naming_damage([file], OF_FEATURES, lambda _: columns_of(table)):
                rows = pl.read_parquet(
                    file, columns=["event_timestamp", "created"], glob=False, hive_partitioning=False
                )
                found = rows.filter(usable)["event_timestamp"].max()
            if found is not None:
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
        mine = [pl.col(name) == pl.lit(value, table.keys[name]) for name, value in keys.items()]
        for _, file in partitions_read(self._folder(table, generation), table.ttl, as_of):
            rows = read_kept(file, table).lazy().filter(*mine)
            if not (found := newest_rows(rows, table, as_of, known_at).collect()).is_empty():
                return found.row(0, named=True)
        return None

    def recent(
        self,
        table: FeatureTable,
        keys: pl.DataFrame,
        as_of: datetime,
        known_at: datetime,
        generation: str = FIRST,
    ) -> pl.DataFrame:
        """Implements `FeatureRows`."""
        wanted = keys.lazy().select(pl.col(name).cast(kind) for name, kind in table.keys.items()).unique()
        read = partitions_read(self._folder(table, generation), table.ttl, as_of)[:RECENT_FILES]
        every = [pl.DataFrame(schema=columns_of(table)), *(read_kept(file, table) for _, file in read)]
        rows = pl.concat(every).lazy().join(wanted, on=[*table.keys], how="semi", maintain_order="left")
        return newest_rows(rows, table, as_of, known_at).collect()

    def _state(self, table: FeatureTable, generation: str) -> tuple[Manifest, list[Span]]:
        """The manifest, and the days of its files that are gone."""
        kept = self._manifest(table, generation)
        return kept, kept.lost({span for span, _ in self.files(table, generation)} if kept.files else ())

    def _manifest(self, table: FeatureTable, generation: str) -> Manifest:
        file = self._folder(table, generation) / MANIFEST
        if not file.exists():
            return Manifest({}, ())
        try:
            return Manifest.of(json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, TypeError, AttributeError) as error:
            raise DamagedFile(file, str(error), OF_FEATURES) from error

    def _folder(self, table: FeatureTable, generation: str = FIRST) -> Path:
        return self.root / "features" / table.name / generation


def _by_file(folder: Path, rows: pl.DataFrame) -> Iterator[tuple[Path, pl.DataFrame]]:
    """The rows of each partition, oldest first. A day of a month that was put together belongs to it."""
    wide = [(span, file) for span, file in partitions(folder) if span.several]
    by_day = rows.with_columns(partition=pl.col("event_timestamp").dt.date()).partition_by(
        "partition", as_dict=True, include_key=False
    )
    for file, days in groupby(sorted(by_day), lambda key: _file_of(folder, key[0], wide)):
        yield file, pl.concat(by_day[day] for day in days)


def _file_of(folder: Path, day: date, wide: Iterable[tuple[Span, Path]]) -> Path:
    own = folder / folder_name(Span(day, day)) / PART
    return next((file for span, file in wide if span.has(day)), own)


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
    with naming_damage([file], OF_FEATURES, lambda _: columns_of(table)):
        return pl.concat(
            [empty, pl.read_parquet(file, glob=False, hive_partitioning=False)], how="diagonal"
        ).select(empty.columns)


def lacks_columns(file: Path, table: FeatureTable) -> bool:
    """True if a stored partition was written before a column was declared.

    Feast assumes that all files have the columns of the newest one.
    """
    stored = pl.scan_parquet(file, glob=False, hive_partitioning=False).collect_schema()
    return not columns_of(table).keys() <= stored.keys()


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
