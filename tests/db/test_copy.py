"""Any frame that a table can hold comes back from Postgres as it went in; any other is refused by name."""

from datetime import UTC, date, datetime

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from psycopg import sql
from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db import copy
from db.session import make_engine
from nightjar.core.errors.inputs import ContractBroken

SCHEMA = {
    "small": pl.Int16(),
    "mid": pl.Int32(),
    "large": pl.Int64(),
    "single": pl.Float32(),
    "double": pl.Float64(),
    "flag": pl.Boolean(),
    "day": pl.Date(),
    "moment": pl.Datetime("us", "UTC"),
    "words": pl.String(),
    "more_words": pl.String(),
    "document": pl.String(),
    "numbers": pl.List(pl.Float64()),
}
TABLE = Table(
    "sample",
    MetaData(),
    Column("small", SmallInteger),
    Column("mid", Integer),
    Column("large", BigInteger),
    Column("single", REAL),
    Column("double", Double),
    Column("flag", Boolean),
    Column("day", Date),
    Column("moment", DateTime(timezone=True)),
    Column("words", Text),
    Column("more_words", Text),
    Column("document", JSONB),
    Column("numbers", ARRAY(Double)),
    prefixes=["TEMPORARY"],
)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
values = {
    "small": st.integers(-(2**15), 2**15 - 1),
    "mid": st.integers(-(2**31), 2**31 - 1),
    "large": st.integers(-(2**63), 2**63 - 1),
    "single": st.floats(width=32),
    "double": st.floats(),
    "flag": st.booleans(),
    "day": st.dates(),
    "moment": st.datetimes(timezones=st.just(UTC)),
    "words": words,
    "more_words": words,
    "document": st.sampled_from(['{"a": 1}', "[]", '"ü"', "null", "[1, null]"]),
    "numbers": st.lists(st.floats(), min_size=1, max_size=4),
}
rows = st.lists(
    st.fixed_dictionaries({name: st.none() | value for name, value in values.items()}), max_size=20
)


@pytest.fixture(scope="module")
def connection(postgres):
    engine = make_engine(postgres.url("admin", "postgres"))
    with engine.connect() as connection:
        TABLE.create(connection)
        yield connection
    engine.dispose()


def fetched(connection):
    names = sql.SQL(", ").join(
        sql.Identifier(name) if name != "document" else sql.SQL("document::text") for name in SCHEMA
    )
    found = copy.driver(connection).execute(sql.SQL("SELECT {} FROM sample").format(names)).fetchall()
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


@given(rows=rows)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_round_trip_changes_nothing(connection, rows):
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    connection.exec_driver_sql("TRUNCATE sample")
    copy.copy_frame(connection, TABLE, frame)
    assert_frame_equal(fetched(connection), frame, check_exact=True)


def test_batches_join_seamlessly(connection, monkeypatch):
    monkeypatch.setattr(copy, "BATCH_ROWS", 7)
    frame = pl.DataFrame(
        {"mid": range(50), "words": ["x" * n if n % 3 else None for n in range(50)]},
        schema_overrides={"mid": pl.Int32},
    )
    connection.exec_driver_sql("TRUNCATE sample")
    copy.copy_frame(connection, TABLE, frame)
    assert_frame_equal(fetched(connection).select("mid", "words"), frame)


def test_wider_types_are_accepted_while_their_values_fit(connection):
    frame = pl.DataFrame(
        {"small": [1, 2], "double": [3, 4], "words": ["a", "b"], "moment": [datetime(2013, 7, 1, 12)] * 2},
        schema_overrides={"small": pl.UInt64, "words": pl.Categorical},
    ).with_columns(pl.col("moment").dt.replace_time_zone("America/New_York").dt.cast_time_unit("ns"))
    connection.exec_driver_sql("TRUNCATE sample")
    copy.copy_frame(connection, TABLE, frame)
    stored = fetched(connection)
    assert stored["small"].to_list() == [1, 2]
    assert stored["double"].to_list() == [3.0, 4.0]
    assert stored["words"].to_list() == ["a", "b"]
    assert stored["moment"].to_list() == [datetime(2013, 7, 1, 16, tzinfo=UTC)] * 2


@pytest.mark.parametrize(
    ("column", "series", "says"),
    [
        ("small", pl.Series([1, 40_000]), "does not fit SMALLINT: 40000 in row 1"),
        ("mid", pl.Series([2**40]), "does not fit INTEGER"),
        ("mid", pl.Series([1.5]), "holds Float64"),
        ("double", pl.Series([2**53 + 1]), "does not fit DOUBLE PRECISION"),
        ("double", pl.Series(["0.5"]), "holds String"),
        ("single", pl.Series([0.1]), "does not fit REAL"),
        ("flag", pl.Series([1]), "holds Int64"),
        ("day", pl.Series([datetime(2013, 1, 1)]), "holds Datetime"),
        ("moment", pl.Series([datetime(2013, 1, 1)]), "holds Datetime"),
        ("moment", pl.Series([1], dtype=pl.Datetime("ns", "UTC")), "does not fit TIMESTAMP"),
        ("words", pl.Series(["a\0b"]), "holds a NUL character"),
        ("words", pl.Series([1]), "holds Int64"),
        ("other", pl.Series([1]), "is not in the table"),
        ("document", pl.Series(["{not json"]), "invalid input syntax for type json"),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused_with_its_column(connection, column, series, says):
    with pytest.raises(ContractBroken, match=says) as caught, connection.begin_nested():
        copy.copy_frame(connection, TABLE, pl.DataFrame({column: series}))
    assert column in str(caught.value) or column == "document"


def test_nulls_and_absent_columns_are_refused_where_the_table_needs_them(connection):
    table = Table(
        "strict",
        MetaData(),
        Column("key", Text, nullable=False),
        Column("n", Integer, nullable=False, server_default="7"),
    )
    with pytest.raises(ContractBroken, match="'key' is lacking"):
        copy.copy_frame(connection, table, pl.DataFrame({"n": [1]}))
    with pytest.raises(ContractBroken, match="'key' is null: None in row 1"):
        copy.copy_frame(connection, table, pl.DataFrame({"key": ["a", None]}))


def test_a_type_nobody_needed_yet_is_refused(connection):
    with pytest.raises(ContractBroken, match="COPY of BYTEA is not implemented"):
        copy.copy_frame(
            connection, Table("odd", MetaData(), Column("raw", LargeBinary)), pl.DataFrame({"raw": ["x"]})
        )


def test_psycopg_writes_what_we_read(connection):
    """The other way round: rows that another encoder stored look the same as ours."""
    connection.exec_driver_sql("TRUNCATE sample")
    moment = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    copy.driver(connection).execute(
        "INSERT INTO sample (day, moment, double) VALUES (%s, %s, %s)", [date(1970, 1, 1), moment, 0.1]
    )
    copy.copy_frame(
        connection, TABLE, pl.DataFrame({"day": [date(1970, 1, 1)], "moment": [moment], "double": [0.1]})
    )
    stored = fetched(connection)
    assert stored.n_unique() == 1
    assert isinstance(copy.driver(connection), psycopg.Connection)
