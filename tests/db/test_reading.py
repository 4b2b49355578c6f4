"""What a query says comes back in its order, whatever values are missing."""

import math
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from psycopg import sql
from sqlalchemy import Column, Date, DateTime, Double, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from db import copy, reading
from db.session import driver, make_engine
from nightjar.core.values import INSTANT

SCHEMA = {
    "place": pl.Int32(),
    "word": pl.String(),
    "share": pl.Float64(),
    "count": pl.Int32(),
    "numbers": pl.List(pl.Float64()),
    "day": pl.Date(),
    "moment": INSTANT,
}
TABLE = Table(
    "sample",
    MetaData(),
    Column("place", Integer, nullable=False),
    Column("word", Text),
    Column("share", Double),
    Column("count", Integer),
    Column("numbers", ARRAY(Double)),
    Column("day", Date),
    Column("moment", DateTime(timezone=True)),
)
STORED = sql.SQL(
    "SELECT place, word, share, count, array_to_json(numbers), day, moment FROM sample ORDER BY place"
)


@pytest.fixture
def connection(shared_database):
    engine = make_engine(shared_database.url("owner"))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_zero_keeps_its_sign(connection):
    query = sql.SQL("SELECT '-0'::float8 UNION ALL SELECT NULL")
    found = reading.read_frame(connection, query, [], {"share": pl.Float64()})["share"].drop_nulls()
    assert math.copysign(1, found.item()) == -1


def test_rows_of_several_pieces_come_back_in_order_and_as_they_are(connection, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_AT_ONCE", 2)
    query = sql.SQL("""
        SELECT n, array_to_json(ARRAY[n / 3.0::float8, n]) AS numbers, jsonb_build_object('n', n) AS object,
            CASE n WHEN 2 THEN '' WHEN 3 THEN E'\\ufeffa' ELSE 'b' END AS word
        FROM generate_series(%s, 1, -1) AS n
    """)
    schema = {"n": pl.Int32(), "numbers": pl.List(pl.Float64()), "object": pl.String(), "word": pl.String()}
    found = reading.read_frame(connection, query, [5], schema)
    expected = {
        "n": [5, 4, 3, 2, 1],
        "numbers": [[n / 3, float(n)] for n in range(5, 0, -1)],
        "object": [f'{{"n": {n}}}' for n in range(5, 0, -1)],
        "word": ["b", "b", "\ufeffa", None, "b"],
    }
    assert_frame_equal(found, pl.DataFrame(expected, schema=schema))


def test_no_rows_are_an_empty_frame_of_the_schema(connection):
    found = reading.read_frame(connection, sql.SQL("SELECT 1 WHERE false"), [], {"n": pl.Int8()})
    assert_frame_equal(found, pl.DataFrame(schema={"n": pl.Int8()}))


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=5)
NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3)
ROWS = st.lists(
    st.tuples(
        st.none() | WORDS,
        st.none() | FLOATS,
        st.none() | st.integers(-(2**31), 2**31 - 1),
        st.none() | NUMBERS,
        st.none() | st.dates(),
        st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    ),
    max_size=9,
)


@given(rows=ROWS, at_once=st.integers(1, 10))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_stored_is_read_to_the_last_bit(connection, monkeypatch, rows, at_once):
    frame = pl.DataFrame([(place, *row) for place, row in enumerate(rows)], schema=SCHEMA, orient="row")
    with monkeypatch.context() as patched, connection.begin_nested() as again:
        patched.setattr(reading, "ROWS_AT_ONCE", at_once)
        TABLE.create(connection)
        copy.copy_frame(connection, TABLE, frame)
        assert_frame_equal(reading.read_frame(connection, STORED, [], SCHEMA), frame, check_exact=True)
        again.rollback()


@given(words=st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_array_holds_the_texts_that_it_is_made_of(connection, words):
    array = reading.array_of(pl.Series(words, dtype=pl.String))
    assert driver(connection).execute("SELECT %s::text[]", [array]).fetchone() == (words,)


def test_an_array_of_dates_is_one(connection):
    days = [date(2013, 1, 1), date(2013, 12, 31)]
    array = reading.array_of(pl.Series(days))
    assert driver(connection).execute("SELECT %s::date[]", [array]).fetchone() == (days,)
