"""Delta tables as sources. They alone need the package `deltalake`."""

import re
from types import ModuleType
from typing import Any, Literal

import polars as pl
import pyarrow as pa

from .columns import column
from .moments import Window
from .places import S3, Place, UnusableSourceError

UNNAMEABLE = {
    "": re.compile(r"%[0-9A-Fa-f]{2}|[\[\]^|]"),
    S3: re.compile(r"[^\w./=+,;:&~'!()*@$-]", re.ASCII),
}
"""The characters of a path that deltalake and Polars confuse, by the place's scheme.

Both write paths as parts of URLs.
"""


def scan(place: Place, key: str | None, window: Window | None) -> pl.LazyFrame | None:
    """The table as it is now; None where there is none yet.

    With a partition column of dates (`key`), only those in the window are opened.
    """
    table = _opened(place)
    if table is None:
        return None
    rows = pl.scan_delta(place.uri if place.scheme else table, storage_options=dict(place.options))
    if key and window and rows.collect_schema().get(key) == pl.Date:
        inside = column(key).le(window.end.date()) & (
            column(key).ge(window.start.date()) if window.start else True
        )
        rows = rows.filter(column(key).is_null() | inside)  # a row whose partition has no date may be of any
    return rows


def version(place: Place) -> tuple[str, int] | None:
    """The table's identity and the number of its newest version; None where there is no table.

    A table that takes its place has another identity.
    """
    table = _opened(place)
    return None if table is None else (table.metadata().id, table.version())


def write(place: Place, table: pa.Table, mode: Literal["append", "overwrite"]) -> None:
    """Add rows as a new version of the table, or replace them all.

    The table is created where there is none.
    """
    _check_name(place)
    _deltalake().write_deltalake(place.uri, table, mode=mode, storage_options=dict(place.options))


def _opened(place: Place) -> Any:
    """The table as it is now, a DeltaTable; None where there is none yet.

    Raises UnusableSourceError for a path that cannot be read.
    """
    _check_name(place)
    found = _deltalake().DeltaTable
    if not found.is_deltatable(place.uri, dict(place.options)):
        return None

    class Table(found):
        def file_uris(self, *filters: Any, **more: Any) -> list[str]:
            """The table's files with their names in the file system.

            deltalake gives them to Polars with the folder as in a URL, %20 for a space.
            """
            return [
                place.uri + uri.removeprefix(_folder(self)) for uri in super().file_uris(*filters, **more)
            ]

    table = Table(place.uri, storage_options=dict(place.options))
    if _folder(table) != place.uri and "deletionVectors" in (table.protocol().reader_features or ()):
        raise UnusableSourceError(
            f"{place.uri}: a Delta table with deletion vectors is read from a path of plain letters only. "
            "Rename the folder."
        )
    return table


def _folder(table: Any) -> str:
    """Where the table lies, as deltalake names it."""
    return table.table_uri.removeprefix("file://").rstrip("/")


def _check_name(place: Place) -> None:
    if odd := UNNAMEABLE[place.scheme].search(place.path):
        raise UnusableSourceError(
            f"{place.uri}: the path of a Delta table cannot hold {odd[0]!r} here. Rename the folder."
        )


def _deltalake() -> ModuleType:
    try:
        import deltalake  # noqa: PLC0415  # only Delta sources need it
    except ImportError as error:
        raise UnusableSourceError("Delta tables need the package `deltalake`. Install it.") from error
    return deltalake
