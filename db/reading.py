"""The rows of a query as a frame, read by whole columns.

A driver makes a Python object of every value, which takes several times as long as the query. So Postgres
puts the values of many rows of a column one after the other, and numpy reads them at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, LiteralString, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from psycopg import sql
from sqlalchemy import Connection

from db.copy import MICROSECONDS_A_DAY, POSTGRES_EPOCH_DAYS
from db.session import driver
from nightjar.core.values import INSTANT

ROWS_AT_ONCE = 100_000
"""Rows whose values come in one piece."""

WHOLE = sql.SQL("""
    SELECT count(*), {pieces}
    FROM (
        SELECT asked.*, (row_number() OVER () - 1) / {many} AS piece,
            ((row_number() OVER () - 1) %% {many})::integer AS place
        FROM ({query}) AS asked ({names})
    ) AS numbered
    GROUP BY piece ORDER BY piece
""")
NUMBERS = sql.SQL("NULL::bytea, string_agg({send}({name}::{type}), '')")
TEXTS = sql.SQL("""
    string_agg(int4send(octet_length({name}::text)), ''), convert_to(string_agg({name}::text, ''), 'UTF8')
""")
NULLS = sql.SQL("string_agg(int4send(place), '') FILTER (WHERE {name} IS NULL)")

ARRAY_HEAD = 20
"""Bytes before the elements of an array of one dimension: dimensions, flags, type, length, first place."""
ARRAY_ELEMENT = np.dtype([("bytes", ">i4"), ("value", ">f8")])

Array = np.ndarray[Any, Any]


class Number(NamedTuple):
    """A type whose values have one width: what sends one, and how numpy reads it.

    epoch: what Postgres counts from, as Polars counts it.
    """

    send: LiteralString
    type: LiteralString
    wire: str
    epoch: int = 0


DOUBLE, BIGINT = Number("float8send", "double precision", "f8"), Number("int8send", "bigint", "i8")
DATE = Number("date_send", "date", "i4", POSTGRES_EPOCH_DAYS)
MOMENT = Number("timestamptz_send", "timestamptz", "i8", POSTGRES_EPOCH_DAYS * MICROSECONDS_A_DAY)


class Piece(NamedTuple):
    """The values of a column in some rows, as Postgres sends them. None: there is none.

    nulls: the numbers of rows without a value. lengths: bytes of each text. values: without nulls.
    """

    nulls: bytes | None
    lengths: bytes | None
    values: bytes | None


def read_frame(
    connection: Connection,
    query: sql.SQL | sql.Composed,
    parameters: Sequence[Any] | Mapping[str, Any],
    schema: Mapping[str, pl.DataType],
) -> pl.DataFrame:
    """Return the rows of a query in their order. An empty text comes back as null.

    schema: the query's columns in their order: integers, floats, dates, instants, texts, and lists, which
    have to be selected as JSON.
    """
    names = [sql.Identifier(f"c{number}") for number in range(len(schema))]
    pieces = (sql.SQL(", ").join(_sent(*each)) for each in zip(names, schema.values(), strict=True))
    asked = WHOLE.format(
        pieces=sql.SQL(", ").join(pieces),
        many=sql.Literal(ROWS_AT_ONCE),
        query=query,
        names=sql.SQL(", ").join(names),
    )
    with driver(connection).cursor(binary=True) as cursor:
        cursor.execute(asked, parameters)
        frames = [_frame(schema, rows, [Piece(*each) for each in _threes(sent)]) for rows, *sent in cursor]
    return pl.concat([pl.DataFrame(schema=schema), *frames])


def array_of(values: pl.Series) -> str:
    """The values as the text of a Postgres array: keys, or dates, without nulls.

    The driver takes 10 times as long to write a list.
    """
    if values.is_empty():
        return "{}"
    texts = values.cast(pl.String)
    for special in ("\\", '"'):
        texts = texts.str.replace_all(special, f"\\{special}", literal=True)
    return '{"' + str(texts.str.join('","').item()) + '"}'


def numbers_of(arrays: pl.Series) -> pl.Series:
    """The numbers of many arrays of doubles, one after the other. arrays: what `array_send` gives of each.

    No array may be empty or have a null.
    """
    sent = b"".join(array[ARRAY_HEAD:] for array in arrays)
    return pl.Series("value", np.frombuffer(sent, ARRAY_ELEMENT)["value"].astype("f8"))


def _sent(name: sql.Identifier, dtype: pl.DataType) -> Iterator[sql.Composed]:
    """What Postgres sends of a column, in the order of Piece."""
    yield NULLS.format(name=name)
    number = _number(dtype)
    if number is None:
        yield TEXTS.format(name=name)
    else:
        yield NUMBERS.format(name=name, send=sql.SQL(number.send), type=sql.SQL(number.type))


def _number(dtype: pl.DataType) -> Number | None:
    if dtype.is_float():
        return DOUBLE
    if dtype.is_integer():
        return BIGINT
    return {pl.Date(): DATE, INSTANT: MOMENT}.get(dtype)


def _threes(sent: Sequence[Any]) -> Iterator[Sequence[Any]]:
    yield from (sent[first : first + 3] for first in range(0, len(sent), 3))


def _frame(schema: Mapping[str, pl.DataType], rows: int, pieces: Sequence[Piece]) -> pl.DataFrame:
    columns = zip(schema.items(), pieces, strict=True)
    return pl.DataFrame([_series(name, dtype, rows, piece) for (name, dtype), piece in columns])


def _series(name: str, dtype: pl.DataType, rows: int, piece: Piece) -> pl.Series:
    there = np.ones(rows, bool)
    there[np.frombuffer(piece.nulls or b"", ">i4")] = False
    number = _number(dtype)
    if number is None:
        texts = _texts(name, there, piece)
        return texts.str.json_decode(dtype) if isinstance(dtype, pl.List) else texts
    values = np.frombuffer(piece.values or b"", f">{number.wire}").astype(number.wire)
    if number.epoch:  # 0 is not added: it makes 0.0 of -0.0
        values = values + number.epoch
    series = pl.Series(name, _spread(there, values))
    return (series if there.all() else series.set(pl.Series(~there), None)).cast(dtype)


def _texts(name: str, there: Array, piece: Piece) -> pl.Series:
    """Arrow's own form of texts: where each one ends, and the characters of all."""
    lengths = _spread(there, np.frombuffer(piece.lengths or b"", ">i4").astype("i8"))
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype("i8")
    known = np.packbits(lengths > 0, bitorder="little")
    buffers = [pa.py_buffer(known), pa.py_buffer(ends), pa.py_buffer(piece.values or b"")]
    return pl.Series(name, pa.Array.from_buffers(pa.large_utf8(), len(there), buffers))


def _spread(there: Array, values: Array) -> Array:
    """The values at their rows, and 0 in those without."""
    if there.all():
        return values
    spread = np.zeros(there.size, values.dtype)
    spread[there] = values
    return spread
