"""What Feast writes to the offline store: pushed rows, logged features, saved datasets. Files appear whole or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import uuid4

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from feast.data_source import DataSource
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import FileSource, SavedDatasetFileStorage

from nightjar.adapters.feast_polars.files import PARTITION_TAG, parquet_files, source_path


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` when the block ends well, and is gone when it doesn't."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def append(table: pa.Table, source: DataSource, root: Path) -> None:
    """Add rows to a source: to a single file by rewriting it, to a directory as a new file, to a partitioned one as a file per date.

    Columns may come in any order, under their stored names or those of the field mapping. Raises ValueError for other columns than
    the source has, pyarrow.ArrowInvalid for a value that its type cannot hold.
    """
    path = source_path(source, root)
    stored = {name: column for column, name in source.field_mapping.items()}
    table = table.rename_columns([stored.get(name, name) for name in table.column_names])
    files = parquet_files(path) if path.exists() else ()
    if files:
        table = _conformed(table, pq.read_schema(files[-1]).remove_metadata(), source.name)
    if path.suffix == ".parquet" and not path.is_dir():
        _write(pa.concat_tables([pq.read_table(files[-1]), table]) if files else table, path)
    elif key := (source.tags or {}).get(PARTITION_TAG):
        for day, rows in _by_date(table, source.timestamp_field):
            _write(rows, path / f"{key}={day}" / f"{uuid4().hex}.parquet")
    else:
        _write(table, path / f"{uuid4().hex}.parquet")


def log(rows: pa.Table | Path, path: str, partition_by: Sequence[str], root: Path) -> None:
    """Add logged features to a directory, by default as one file a call, else Hive-partitioned by the given columns."""
    folder = Path(FileSource.get_uri_for_file_path(root, path))
    table = rows if isinstance(rows, pa.Table) else pq.read_table(rows)
    if partition_by:
        pq.write_to_dataset(table, folder, partition_cols=list(partition_by), basename_template=f"{uuid4().hex}-{{i}}.parquet")
    else:
        _write(table, folder / f"{uuid4().hex}.parquet")


def persist(table: pa.Table, storage: SavedDatasetFileStorage, root: Path, *, allow_overwrite: bool) -> None:
    """Write a saved dataset: to a file, or to one file in a directory. Raises SavedDatasetLocationAlreadyExists."""
    path = source_path(storage.to_data_source(), root)
    if path.exists() and not allow_overwrite:
        raise SavedDatasetLocationAlreadyExists(location=storage.file_options.uri)
    if path.suffix == ".parquet":
        _write(table, path)
        return
    replaced_files = parquet_files(path)
    _write(table, path / f"{uuid4().hex}.parquet")
    for file in replaced_files:
        file.unlink()


def _write(table: pa.Table, path: Path) -> None:
    with replaced(path) as unfinished:
        pq.write_table(table, unfinished)


def _conformed(table: pa.Table, schema: pa.Schema, source: str) -> pa.Table:
    found, expected = set(table.column_names), set(schema.names)
    if found != expected:
        raise ValueError(f"{source}: rows to write lack columns {sorted(expected - found)} and have unknown ones {sorted(found - expected)}.")
    return table.select(schema.names).cast(schema)


def _by_date(table: pa.Table, timestamp: str) -> Iterator[tuple[date, pa.Table]]:
    """Rows by the UTC date of their timestamp."""
    days = pl.DataFrame(table.select([timestamp])).select(pl.col(timestamp).cast(pl.Date).alias("day"))["day"]
    for day in days.unique().sort():
        yield day, table.filter(pa.array((days == day).to_list()))
