"""Delta tables as sources, by way of the package `deltalake`, which is needed for them alone."""

from types import ModuleType
from typing import Literal

import polars as pl
import pyarrow as pa

from .moments import Window
from .places import Place, UnusableSourceError


def scan(place: Place, key: str | None, window: Window | None) -> pl.LazyFrame | None:
    """The table as it is now; None where there is none yet. With a partition column of dates (`key`), only those in the window are opened."""
    if not _deltalake().DeltaTable.is_deltatable(place.uri, dict(place.options)):
        return None
    rows = pl.scan_delta(place.uri, storage_options=dict(place.options))
    if key and window and rows.collect_schema().get(key) == pl.Date:
        inside = pl.col(key).le(window.end.date()) & (pl.col(key).ge(window.start.date()) if window.start else True)
        rows = rows.filter(pl.col(key).is_null() | inside)  # a row whose partition has no date may be of any
    return rows


def version(place: Place) -> tuple[str, int] | None:
    """The table's identity, which one that takes its place does not share, and the number of its newest version; None where there is no table."""
    found = _deltalake().DeltaTable
    if not found.is_deltatable(place.uri, dict(place.options)):
        return None
    table = found(place.uri, storage_options=dict(place.options))
    return table.metadata().id, table.version()


def write(place: Place, table: pa.Table, mode: Literal["append", "overwrite"]) -> None:
    """Add rows as a new version of the table, or replace them all; the table is created where there is none."""
    _deltalake().write_deltalake(place.uri, table, mode=mode, storage_options=dict(place.options))


def _deltalake() -> ModuleType:
    try:
        import deltalake  # noqa: PLC0415  # only Delta sources need it
    except ImportError as error:
        raise UnusableSourceError("Delta tables need the package `deltalake`. Install it.") from error
    return deltalake
