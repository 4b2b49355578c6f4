"""Convert Polars to Arrow and back.

Feast treats `large_string` as JSON and does not know dictionaries of text. Polars does not know zones like
+05:30.
"""

from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from .columns import column
from .moments import is_zone

if TYPE_CHECKING:
    from polars.datatypes import DataTypeClass


def feast_arrow(frame: pl.DataFrame) -> pa.Table:
    """Return the frame as an Arrow table of plain strings, binaries and lists, without dictionaries."""
    plain = {name: _plain(dtype) for name, dtype in frame.schema.items() if _plain(dtype) != dtype}
    table = frame.with_columns(column(name).cast(dtype) for name, dtype in plain.items()).to_arrow(
        compat_level=pl.CompatLevel.oldest()
    )
    return table.cast(pa.schema([field.with_type(_small(field.type)) for field in table.schema]))


def polars_frame(table: pa.Table) -> pl.DataFrame:
    """Return an Arrow table as a frame. Instants in zones that Polars does not know are converted to UTC."""
    for position, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz and not is_zone(field.type.tz):
            table = table.set_column(
                position, field.name, table.column(position).cast(pa.timestamp(field.type.unit, "UTC"))
            )
    return pl.DataFrame(table)


def _plain(dtype: "pl.DataType | DataTypeClass") -> "pl.DataType | DataTypeClass":
    """Remove dictionaries, and integers of 128 bits, which Arrow does not have."""
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return pl.String()
    if isinstance(dtype, (pl.Int128, pl.UInt128)):
        return pl.Decimal(38, 0)
    return pl.List(_plain(dtype.inner)) if isinstance(dtype, pl.List) else dtype


def _small(dtype: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(dtype):
        return pa.string()
    if pa.types.is_large_binary(dtype):
        return pa.binary()
    if pa.types.is_large_list(dtype):
        return pa.list_(_small(dtype.value_type))
    if pa.types.is_struct(dtype):
        return pa.struct([field.with_type(_small(field.type)) for field in dtype])
    return dtype
