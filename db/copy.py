"""Frames to Postgres, by COPY in the binary format, driven by the SQLModel class.

The encoder is vectorised. On the wire a row is a count of fields. A field is a length and its bytes. The rows
of a batch are cut into segments, of fixed and of varying width in turn. One numpy array holds the same
segment of all rows. A mask says which bytes of the batch belong to which segment.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import psycopg
from psycopg import sql
from sqlalchemy import Column, Connection, Table
from sqlalchemy.dialects import postgresql

from db.session import driver
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.values import INSTANT

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
BATCH_ROWS = 32_768
"""Large enough to spread the cost of a numpy call, small enough to stay in the processor's cache."""

POSTGRES_EPOCH_DAYS = (date(2000, 1, 1) - date(1970, 1, 1)).days
MICROSECONDS_A_DAY = 86_400_000_000
NULL = np.int64(-1)
"""Signed: the lengths of texts, among which it stands, are not."""

DIALECT = postgresql.dialect()

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, slots=True)
class Segment:
    """The same stretch of every row: its number of bytes in each, and those bytes, row after row.

    The number of bytes is one number if it is alike in all rows.
    """

    lengths: "int | np.ndarray[Any, Any]"
    bytes_: Bytes


@dataclass(frozen=True, slots=True)
class WireType:
    """A Postgres type: the types that frames may hold for it, its Polars type, and its encoding.

    accepts: Polars types whose values may be converted to it, if no value changes. width: bytes of a value,
    None if it varies.
    """

    name: str
    accepts: Callable[[pl.DataType], bool]
    polars: pl.DataType
    width: int | None
    wire: Callable[[pl.Series], pl.Series] = lambda series: series


def _integer(dtype: pl.DataType) -> bool:
    return dtype.is_integer()


def _number(dtype: pl.DataType) -> bool:
    return dtype.is_integer() or dtype.is_float()


def _text(dtype: pl.DataType) -> bool:
    return dtype in (pl.String, pl.Categorical, pl.Enum)


def _aware(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is not None


def _numbers(dtype: pl.DataType) -> bool:
    return dtype == pl.List(pl.Float64)


WIRE_TYPES = {
    wire_type.name: wire_type
    for wire_type in (
        WireType("SMALLINT", _integer, pl.Int16(), 2),
        WireType("INTEGER", _integer, pl.Int32(), 4),
        WireType("BIGINT", _integer, pl.Int64(), 8),
        WireType("REAL", _number, pl.Float32(), 4),
        WireType("DOUBLE PRECISION", _number, pl.Float64(), 8),
        WireType(
            "BOOLEAN",
            lambda dtype: dtype == pl.Boolean,
            pl.Boolean(),
            1,
            lambda series: series.cast(pl.UInt8),
        ),
        WireType(
            "DATE",
            lambda dtype: dtype == pl.Date,
            pl.Date(),
            4,
            lambda series: series.to_physical() - POSTGRES_EPOCH_DAYS,
        ),
        WireType(
            "TIMESTAMP WITH TIME ZONE",
            _aware,
            INSTANT,
            8,
            lambda series: series.to_physical() - POSTGRES_EPOCH_DAYS * MICROSECONDS_A_DAY,
        ),
        WireType("TEXT", _text, pl.String(), None),
        WireType("DOUBLE PRECISION[]", _numbers, pl.List(pl.Float64()), None),
        WireType("JSONB", _text, pl.String(), None, lambda series: "\x01" + series),
    )
}
"""Name in SQL -> wire type. JSONB is text after a version byte."""

ARRAY_OF_DOUBLES = np.array([1, 0, 701], ">i4").view(np.uint8)
"""How an array begins: one dimension, no null among its values, and the number of their type in Postgres."""


def copy_frame(connection: Connection, table: Table, frame: pl.DataFrame, into: str | None = None) -> int:
    """COPY a frame into a table, in the connection's transaction. Return the bytes that were sent.

    into: the name of a partition of the table, which takes all rows.
    Columns are matched by name. A column that is nullable or has a default may be absent. Raises
    ContractBroken, which names the column, if the column is unknown, missing or of another kind, if it has a
    null that is not allowed, or if it has a value that the column's type cannot hold unchanged.
    """
    columns = _columns(table, frame)
    prepared = frame.select(_prepared(column, frame[column.name]) for column in columns)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    target, size = sql.Identifier(*([table.schema] if table.schema else []), into or table.name), 0
    try:
        with (
            driver(connection)
            .cursor()
            .copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(target, names)) as copy
        ):
            for chunk in encode(prepared, [wire_type(column) for column in columns]):
                copy.write(chunk)
                size += len(chunk)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise ContractBroken(f"rows for {table.name}", [str(error).splitlines()[0]]) from error
    return size


def encode(frame: pl.DataFrame, wire_types: Sequence[WireType]) -> Iterator[bytes]:
    """The COPY stream of a frame whose columns have the wire types' Polars types, in pieces."""
    yield HEADER
    for batch in frame.iter_slices(BATCH_ROWS):
        yield _encoded(batch, wire_types)
    yield TRAILER


def wire_type(column: "Column[Any]") -> WireType:
    """Raises ContractBroken for a type that is not supported."""
    name = column.type.compile(dialect=DIALECT)
    if name not in WIRE_TYPES:
        raise ContractBroken(
            f"column {column.name!r}",
            [f"COPY of {name} is not implemented; known are {', '.join(WIRE_TYPES)}"],
        )
    return WIRE_TYPES[name]


def _columns(table: Table, frame: pl.DataFrame) -> "list[Column[Any]]":
    """The table's columns that the frame holds, in the table's order."""
    needed = {
        column.name
        for column in table.columns
        if not (column.nullable or column.server_default is not None or column.identity)
    }
    faults = [f"column {name!r} is not in the table" for name in frame.columns if name not in table.columns]
    faults += [f"column {name!r} is lacking" for name in sorted(needed - set(frame.columns))]
    if faults:
        raise ContractBroken(f"rows for {table.name}", faults)
    return [column for column in table.columns if column.name in frame.columns]


def _prepared(column: "Column[Any]", series: pl.Series) -> pl.Series:
    """Return the series in the wire type's Polars type. Raises ContractBroken if a value would change."""
    target = wire_type(column)
    fault = None
    if series.dtype != pl.Null and not target.accepts(series.dtype):
        fault = f"holds {series.dtype}, the table wants {target.name}"
    prepared = series.cast(target.polars, strict=False) if fault is None else series
    if fault is None and series.dtype != target.polars:
        fault = _first(
            series,
            prepared.cast(series.dtype, strict=False).ne_missing(series),
            f"does not fit {target.name}",
        )
    if fault is None and not column.nullable:
        fault = _first(series, series.is_null(), "is null")
    if fault is None and target.polars == pl.String:
        fault = _first(
            series,
            prepared.str.contains("\0", literal=True),
            "holds a NUL character, which Postgres cannot store in text",
        )
    if fault is not None:
        raise ContractBroken("rows for Postgres", [f"column {column.name!r} {fault}"])
    return prepared


def _first(series: pl.Series, bad: pl.Series, problem: str) -> str | None:
    at = bad.arg_max() if bad.any() else None
    return None if at is None else f"{problem}: {series[at]!r} in row {at} ({bad.sum()} rows in all)"


def _encoded(batch: pl.DataFrame, wire_types: Sequence[WireType]) -> bytes:
    return _interleaved(list(_segments(batch, wire_types)), batch.height).tobytes()


def _interleaved(segments: Sequence[Segment], rows: int) -> Bytes:
    """The bytes of all segments, row after row."""
    if len(segments) == 1:
        return segments[0].bytes_
    lengths = np.empty((rows, len(segments)), np.int64)
    for number, segment in enumerate(segments):
        lengths[:, number] = segment.lengths
    numbers = np.arange(len(segments), dtype=np.min_scalar_type(len(segments)))
    owner = np.repeat(np.tile(numbers, rows), lengths.ravel())
    stream = np.empty(owner.size, np.uint8)
    for number, segment in enumerate(segments):
        stream[owner == number] = segment.bytes_
    return stream


def _segments(batch: pl.DataFrame, wire_types: Sequence[WireType]) -> Iterator[Segment]:
    """Yield segments of fixed and varying width in turn. Neighbours of fixed width are joined into one."""
    block = [_repeated(len(wire_types), ">i2", batch.height)]
    for series, target in zip(batch, wire_types, strict=True):
        values = target.wire(series)
        if series.null_count() == batch.height:
            block.append(_repeated(NULL, ">i4", batch.height))
        elif target.width is not None and series.null_count() == 0:
            block += [
                _repeated(target.width, ">i4", batch.height),
                _big_endian(values).reshape(batch.height, target.width),
            ]
        else:
            present = series.is_not_null().to_numpy()
            varying = _varying(values, target)
            block.append(
                np.where(present, varying.lengths, NULL).astype(">i4").view(np.uint8).reshape(batch.height, 4)
            )
            yield _joined(block)
            yield varying
            block = []
    if block:
        yield _joined(block)


def _varying(values: pl.Series, target: WireType) -> Segment:
    """The bytes of the values that are there."""
    if isinstance(values.dtype, pl.List):
        return _arrays(values)
    if target.width is None:
        return Segment(values.str.len_bytes().fill_null(0).to_numpy(), _text_bytes(values))
    return Segment(values.is_not_null().to_numpy() * target.width, _big_endian(values.drop_nulls()))


def _arrays(values: pl.Series) -> Segment:
    """An array is how it begins, the number of its values, the place of the first, and the values."""
    counts = values.list.len().fill_null(0).to_numpy().astype(np.int64)
    there = values.drop_nulls()
    sizes, each = counts[values.is_not_null().to_numpy()], there.list.explode(empty_as_null=False)
    ends = np.column_stack([sizes, np.ones_like(sizes)]).astype(">i4").view(np.uint8)
    heads = _joined([np.broadcast_to(ARRAY_OF_DOUBLES, (there.len(), 12)), ends])
    numbers = _joined([_repeated(8, ">i4", each.len()), _big_endian(each).reshape(each.len(), 8)])
    whole = _interleaved([heads, Segment(sizes * 12, numbers.bytes_)], there.len())
    return Segment(np.where(values.is_not_null().to_numpy(), 20 + counts * 12, 0), whole)


def _joined(block: list[Bytes]) -> Segment:
    joined = np.hstack(block)
    return Segment(joined.shape[1], joined.ravel())


def _repeated(number: int | np.int64, dtype: str, rows: int) -> Bytes:
    return np.broadcast_to(np.array([number], dtype).view(np.uint8), (rows, np.dtype(dtype).itemsize))


def _big_endian(values: pl.Series) -> Bytes:
    array = values.to_numpy()
    return array.astype(array.dtype.newbyteorder(">")).view(np.uint8)


def _text_bytes(values: pl.Series) -> Bytes:
    """The characters of all values in one array, as Arrow keeps them; a null has none."""
    array = values.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, characters = array.buffers()
    edges = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return (
        np.frombuffer(characters, np.uint8)[edges[0] : edges[-1]]
        if characters is not None
        else np.empty(0, np.uint8)
    )
