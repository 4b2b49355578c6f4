"""Where a file source's rows lie: a Parquet file, a directory of them, or a Hive-partitioned one whose dates prune it."""

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from feast.infra.offline_stores.file_source import FileSource

from nightjar.adapters.feast_polars.moments import Window

PARTITION_TAG = "partition"
"""Tag of a FileSource naming the Hive key whose value is the UTC date of the timestamp field, like {"partition": "date"}."""

_log = logging.getLogger(__name__)


class UnusableSourceError(ValueError):
    """A data source that this store cannot read or write; the text says why and what to do."""


def source_path(source: DataSource, root: Path) -> Path:
    """The local path of a file source; a relative one is resolved against `root`. Raises UnusableSourceError."""
    if not isinstance(source, FileSource):
        raise UnusableSourceError(f"{source.name}: the Polars offline store reads FileSource, not {type(source).__name__}.")
    if not isinstance(source.file_format, (ParquetFormat, type(None))):
        raise UnusableSourceError(f"{source.name}: the Polars offline store reads Parquet, not {type(source.file_format).__name__}.")
    uri = source.path.removeprefix("file://")
    if "://" in uri:
        raise UnusableSourceError(f"{source.name}: {uri} is remote; the Polars offline store reads local paths only.")
    return Path(FileSource.get_uri_for_file_path(root, uri))


def parquet_files(path: Path) -> tuple[Path, ...]:
    """The source's files in path order; hidden ones and those starting with _ are not data.

    A directory may be missing or empty: it has no history yet. A missing path that ends in .parquet raises FileNotFoundError.
    """
    if path.is_dir():
        return tuple(file for file in sorted(path.rglob("*.parquet")) if not any(part[0] in "._" for part in file.relative_to(path).parts))
    if path.exists():
        return (path,)
    if path.suffix == ".parquet":
        raise FileNotFoundError(f"{path} does not exist. Write it, or correct the path of its FileSource.")
    return ()


def scan(source: DataSource, root: Path, window: Window | None = None) -> pl.LazyFrame | None:
    """A lazy frame of the source's files that may hold rows of `window`; None where there are none.

    The newest file's schema holds: columns that older files lack are null there, narrower numbers are widened.
    Files of a partitioned source whose date lies outside the window are not opened.
    """
    path = source_path(source, root)
    files = parquet_files(path)
    if not files:
        _log.warning("%s has no history: no Parquet file under %s. Its features are null until one is written.", source.name, path)
    key = (source.tags or {}).get(PARTITION_TAG)
    kept = list(_within(files, key, window)) if key and window else list(files)
    if not kept:
        return None
    return pl.scan_parquet(
        kept,
        schema=pl.read_parquet_schema(kept[-1]),
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=pl.ScanCastOptions(integer_cast="upcast", float_cast="upcast"),
        hive_partitioning=any("=" in part for part in kept[-1].relative_to(path).parts[:-1]),
    )


def _within(files: tuple[Path, ...], key: str, window: Window) -> Iterator[Path]:
    for file in files:
        day = _partition_date(file, key)
        if day is None or window.has_day(day):
            yield file


def _partition_date(file: Path, key: str) -> date | None:
    """The date a file's path names; None where it names none, and the file must be read."""
    for part in reversed(file.parts[:-1]):
        name, _, value = part.partition("=")
        if name == key:
            try:
                return date.fromisoformat(value)
            except ValueError:
                return None
    return None
