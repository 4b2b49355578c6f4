"""From Polars to Arrow and back. Feast takes `large_string` for JSON and knows no dictionaries of text; Polars knows no zones like +05:30."""

import polars as pl
import pyarrow as pa

from .moments import is_zone


def feast_arrow(frame: pl.DataFrame) -> pa.Table:
    """The frame as an Arrow table of plain strings, binaries and lists."""
    text = frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String)) if _has_categories(frame.schema) else frame
    table = text.to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.cast(pa.schema([field.with_type(_small(field.type)) for field in table.schema]))


def polars_frame(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a frame; instants of zones that Polars doesn't know are in UTC."""
    for position, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz and not is_zone(field.type.tz):
            table = table.set_column(position, field.name, table.column(position).cast(pa.timestamp(field.type.unit, "UTC")))
    return pl.DataFrame(table)


def _has_categories(schema: pl.Schema) -> bool:
    return any(isinstance(dtype, (pl.Categorical, pl.Enum)) for dtype in schema.values())


def _small(dtype: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(dtype):
        return pa.string()
    if pa.types.is_large_binary(dtype):
        return pa.binary()
    if pa.types.is_large_list(dtype):
        return pa.list_(_small(dtype.value_type))
    return dtype
