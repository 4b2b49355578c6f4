"""Frames of Polars from Arrow's rows."""

import polars as pl
import pyarrow as pa


def framed(rows: pa.RecordBatch | pa.Table) -> pl.DataFrame:
    """The rows, their instants in UTC. Polars knows fewer zones than files name, and not each name is a zone.

    Raises PolarsError for a type that Polars has not.
    """
    frame = pl.from_arrow(rows.cast(pa.schema(map(_in_utc, rows.schema))))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _in_utc(column: pa.Field) -> pa.Field:
    zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
    return column.with_type(pa.timestamp(column.type.unit, "UTC")) if zoned else column
