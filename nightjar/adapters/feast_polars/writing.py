"""Write for Feast to the offline store: pushed rows, logged features, saved datasets.

Files appear whole or not at all.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage

from . import delta
from .arrow import polars_frame
from .declared import source_of
from .moments import utc_us
from .places import Place, Source


def append(table: pa.Table, source: Source, root: Path) -> None:
    """Add rows to a source.

    A single file is rewritten. A folder gets a new file, a partitioned folder one file per date, and a Delta
    table a new version. Columns may be in any order, under their stored names or those of the field mapping.
    Raises ValueError if the columns differ from the source's, pyarrow.ArrowInvalid for a value that its type
    cannot hold.
    """
    place = source.place(root)
    table = table.rename_columns([source.stored.get(name, name) for name in table.column_names])
    if source.delta:
        delta.write(place, table, "append")
        return
    files = place.parquet_files() if place.exists() else ()
    if files:
        table = _conformed(table, place.schema(files[-1]).remove_metadata(), source.name)
    if place.is_one_file():
        place.write(pa.concat_tables([place.read(files[-1]), table]) if files else table)
    elif key := source.partition:
        for day, rows in _by_date(table, source.happened, source.name):
            place.write(rows, f"{key}={day}", _new_name())
    else:
        place.write(table, _new_name())


def log(rows: pa.Table | Path, destination: FileLoggingDestination, root: Path) -> None:
    """Add logged features to a folder.

    By default each call adds one file. If the destination has partition columns, the files are
    Hive-partitioned.
    """
    place = Place.of(destination.path, root, destination.s3_endpoint_override or "")
    table = rows if isinstance(rows, pa.Table) else pq.read_table(rows)
    by: Sequence[str] = destination.partition_by or ()
    if by:
        written: list[str] = []
        names = f"{place.hiding}{uuid4().hex}-{{i}}.parquet"
        pq.write_to_dataset(
            table,
            place.path,
            filesystem=place.system,
            partition_cols=list(by),
            basename_template=names,
            file_visitor=lambda file: written.append(file.path),
        )
        for path in written:
            place.show(path)
    else:
        place.write(table, _new_name())


def persist(table: pa.Table, storage: SavedDatasetFileStorage, root: Path, *, allow_overwrite: bool) -> None:
    """Write a saved dataset to a file, to one file in a folder, or to a Delta table.

    Raises SavedDatasetLocationAlreadyExists.
    """
    source = source_of(storage.to_data_source())
    place = source.place(root)
    if place.exists() and not allow_overwrite:
        raise SavedDatasetLocationAlreadyExists(location=storage.file_options.uri)
    if source.delta:
        delta.write(place, table, "overwrite")
    elif place.is_one_file():
        place.write(table)
    else:
        replaced_files = place.parquet_files()
        place.write(table, _new_name())
        for file in replaced_files:
            place.delete(file)


def _new_name() -> str:
    return f"{uuid4().hex}.parquet"


def _conformed(table: pa.Table, schema: pa.Schema, source: str) -> pa.Table:
    found, expected = set(table.column_names), set(schema.names)
    if found != expected:
        raise ValueError(
            f"{source}: rows to write lack columns {sorted(expected - found)} and have unknown ones "
            f"{sorted(found - expected)}."
        )
    return table.select(schema.names).cast(schema)


def _by_date(table: pa.Table, timestamp: str, source: str) -> Iterator[tuple[date, pa.Table]]:
    """Split rows by the UTC date of their timestamp. Raises ValueError for a row without a timestamp."""
    times = polars_frame(table.select([timestamp]))
    days = times.select(utc_us(timestamp, times.schema[timestamp]).dt.date()).to_series()
    if days.null_count():
        raise ValueError(
            f"{source}: {days.null_count()} rows to write have no {timestamp!r}, whose date says to which "
            "partition they belong."
        )
    for day in days.unique().sort():
        yield day, table.filter(pa.array((days == day).to_list()))
