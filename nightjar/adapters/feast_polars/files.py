"""A source's rows as a lazy frame.

The source is a Parquet file, a folder of them, a Hive-partitioned one whose dates prune it, or a Delta table.
"""

import logging
import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import polars as pl

from . import delta
from .moments import Window, is_zone
from .places import DataFile, Place, Source, UnusableSourceError
from .spans import Span, replaced

CASTS = pl.ScanCastOptions(
    integer_cast=["upcast", "allow-float"],
    float_cast="upcast",
    datetime_cast=["upcast", "convert-timezone"],
    categorical_to_string="allow",
)
"""The types that older files may have in place of those of the newest file.

Whole numbers become floats when pandas meets the first missing one.
"""

_log = logging.getLogger(__name__)

# Without this, Polars panics at a file with a zone like +05:30, before any cast.
os.environ.setdefault("POLARS_IGNORE_TIMEZONE_PARSE_ERROR", "1")


@dataclass(frozen=True)
class Listing:
    """What a source holds of a window, as it was when it was listed. window None: of all times.

    No file that comes later is read, so what `state` names are the rows that `rows` gives.
    """

    source: Source
    place: Place
    window: Window | None
    files: tuple[DataFile, ...]

    @classmethod
    def of(cls, source: Source, root: Path, window: Window | None = None) -> "Listing":
        """Raises UnusableSourceError, FileNotFoundError."""
        place, days = source.place(root), _Days(source.partition, window)
        files = () if source.delta else days.not_replaced(place.parquet_files(days.may_hold))
        return cls(source, place, window, files)

    @cached_property
    def state(self) -> Hashable:
        """A value that changes if a file with rows of the window is added, removed or changed.

        For a Delta table, it changes with each new version. None: there is nothing of the window.
        """
        found = delta.version(self.place) if self.source.delta else self.files
        return (self.place.uri, found) if found else None

    def rows(self) -> pl.LazyFrame | None:
        """The rows that may lie in the window; None where there are no files."""
        if self.source.delta:
            rows = delta.scan(self.place, self.source.partition, self.window)
        elif self.files:
            return _scan(self.place, self.files)
        else:
            rows = None
        if rows is None and not (self.window and self.place.parquet_files()):
            _log.warning(
                "%s has no history: no Parquet file under %s. Its features are null until one is written.",
                self.source.name,
                self.place.uri,
            )
        return rows


Listed = Callable[[Source, Path, Window | None], Listing]
"""Lists a source as `Listing.of` does."""


class ListedOnce:
    """Lists each folder once for each window, however often it is asked. Threads may share one.

    A Delta table is asked each time: its log says what it holds.
    """

    def __init__(self) -> None:
        self._known = dict[Hashable, Listing]()

    def __call__(self, source: Source, root: Path, window: Window | None) -> Listing:
        """Raises as `Listing.of`."""
        if source.delta:
            return Listing.of(source, root, window)
        asked = source.path, source.partition, root, window
        found = self._known.get(asked)
        return found or self._known.setdefault(asked, Listing.of(source, root, window))


def scan(source: Source, root: Path, window: Window | None = None) -> pl.LazyFrame | None:
    """The rows of the source's files that may lie in `window`; None where there are no files.

    Raises UnusableSourceError, FileNotFoundError.
    """
    return Listing.of(source, root, window).rows()


def stored_schema(source: Source, root: Path) -> pl.Schema:
    """The columns of the newest file, without Hive keys, or of the Delta table.

    There are none where there is nothing yet.
    """
    place = source.place(root)
    if source.delta:
        rows = delta.scan(place, None, None)
        return rows.collect_schema() if rows is not None else pl.Schema()
    files = place.parquet_files()
    return _schema(place, files[-1]) if files else pl.Schema()


def _scan(place: Place, files: Sequence[DataFile]) -> pl.LazyFrame:
    """The newest file's schema holds for all files.

    Columns that older files lack are null there. Narrower numbers are widened, and whole ones where floats
    are wanted. Categories become text where text is wanted. Instants of other zones are converted.
    """
    paths = [place.scheme + file.path for file in files]
    schema, hive = _schema(place, files[-1]), any("=" in folder for folder in files[-1].folders)
    if hive:
        _check_no_folder_above_hides(place, {*schema, *_hive_keys(files[-1].folders)})
    return pl.scan_parquet(
        paths,
        glob=False,
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=CASTS,
        hive_partitioning=hive,
        storage_options=dict(place.options) or None,
    )


def _schema(place: Place, file: DataFile) -> pl.Schema:
    """Instants of zones that Polars doesn't know are read as UTC.

    Categories are read as the text that other files have.
    """
    options = dict(place.options) or None
    stored = pl.scan_parquet(
        place.scheme + file.path, glob=False, storage_options=options, hive_partitioning=False
    ).collect_schema()
    return pl.Schema({name: _readable(dtype) for name, dtype in stored.items()})


def _readable(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, pl.Categorical):
        return pl.String()
    if isinstance(dtype, pl.Datetime) and dtype.time_zone and not is_zone(dtype.time_zone):
        return pl.Datetime(dtype.time_unit, "UTC")
    return dtype


def _check_no_folder_above_hides(place: Place, columns: AbstractSet[str]) -> None:
    """Polars takes every folder `key=value` of a path for a column, those above the source too.

    Raises UnusableSourceError for one that hides another.
    """
    if hidden := _hive_keys(PurePosixPath(place.path).parts) & columns:
        raise UnusableSourceError(
            f"{place.uri}: folders above the partitioned source are named like its columns "
            f"{sorted(hidden)}. Rename them."
        )


def _hive_keys(folders: Iterable[str]) -> set[str]:
    return {folder.partition("=")[0] for folder in folders if "=" in folder}


@dataclass(frozen=True, slots=True)
class _Days:
    """The partitions that may hold rows of a window: all but those whose days lie outside."""

    key: str | None
    window: Window | None

    def may_hold(self, folder: str) -> bool:
        """False for the folder of a partition whose days lie outside. A folder without a date is read."""
        if self.window is None:
            return True
        span = self._span(folder)
        return span is None or self.window.has_any(span.first, span.last)

    def not_replaced(self, files: tuple[DataFile, ...]) -> tuple[DataFile, ...]:
        """The files without those whose rows lie in a file of the same name of several days too."""
        placed = {file: placed for file in files if (placed := self._placed(file))}
        old = replaced(placed.values())
        return tuple(file for file in files if placed.get(file) not in old) if old else files

    def _placed(self, file: DataFile) -> tuple[Hashable, Span] | None:
        """The file's path without its days, and its days. None: its path says no days."""
        spans = [self._span(folder) for folder in file.folders]
        found = [span for span in spans if span]
        rest = tuple(folder for folder, span in zip(file.folders, spans, strict=True) if not span)
        return ((rest, file.name), found[-1]) if found else None

    def _span(self, folder: str) -> Span | None:
        name, _, value = folder.partition("=")
        try:
            return Span.of(value) if name == self.key else None
        except ValueError:
            return None
