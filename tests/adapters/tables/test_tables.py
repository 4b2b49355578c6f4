"""Tables are read by the contract of raw days, each from where it really lies: a second Postgres, Parquet
files and Delta tables, here and on an S3 server.
"""

import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import deltalake
import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import structlog
from polars.testing import assert_frame_equal
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pyarrow.fs import S3FileSystem

from db.refusals import lasting
from db.server.embedded import EmbeddedPostgres
from nightjar.adapters.tables.lake import LakeTable
from nightjar.adapters.tables.postgres import no_such_host
from nightjar.adapters.tables.scanned import ALWAYS, ScannedTables
from nightjar.adapters.tables.sources import RawSources, opened
from nightjar.adapters.tables.table import RECORDED
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import BadTable, NotDelivered
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.sources import (
    DeltaTable,
    KnownAfter,
    ParquetTable,
    PostgresQuery,
    ReadAtNight,
    RecordedAt,
)
from nightjar.core.model.spec import RawDataset

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONDAY, TUESDAY = date(2024, 1, 8), date(2024, 1, 9)
NOON = datetime(2024, 1, 8, 12, tzinfo=UTC)
AT = pl.Datetime("us", "UTC")
VISITS = RawDataset(
    name="visits",
    columns={
        "day": pl.Date(),
        "shop": pl.String(),
        "count": pl.Int32(),
        "rain": pl.Float64(),
        "open": pl.Boolean(),
    },
    keys=("shop",),
    nullable=frozenset({"count", "rain"}),
    day_column="day",
)
ROWS = pl.DataFrame(
    [
        (MONDAY, "north", 1, 0.5, True, NOON, 9),
        (MONDAY, "south", None, None, False, NOON + 10 * HOUR, 9),
        (MONDAY, "north", 7, 0.5, True, NOON + 30 * HOUR + timedelta(seconds=1), 9),
        (TUESDAY, "north", 2, 1.5, True, NOON + 26 * HOUR, 9),
    ],
    schema={**VISITS.columns, "loaded": AT, "other": pl.Int64()},
    orient="row",
)
"""Monday's north shop is corrected on Tuesday evening, one second after a whole hour."""
LOADED = RecordedAt("loaded")
CORRECTED = NOON + 31 * HOUR


@dataclass(frozen=True)
class Place:
    """Where a table lies. put: write rows there. source: how a spec names it."""

    put: Callable[[pl.DataFrame], None]
    source: Callable[..., object]
    environment: dict[str, str]

    def dataset(self, known=LOADED, **changes) -> RawDataset:
        return replace(VISITS, source=self.source(known=known), **changes)

    def tables(self, dataset: RawDataset) -> ScannedTables:
        return ScannedTables({dataset.name: dataset}, lambda asked: opened(asked, self.environment, lasting))

    def read(self, known=LOADED, *, known_at=None, first=MONDAY, last=TUESDAY, **changes) -> pl.DataFrame:
        dataset = self.dataset(known, **changes)
        return self.tables(dataset).read(dataset, first, last, known_at)


@pytest.fixture(scope="module")
def warehouse():
    """A second Postgres server, which Nightjar neither made nor migrated."""
    home = Path(tempfile.mkdtemp(prefix="nightjar-warehouse-"))
    home.chmod(0o755)
    server = EmbeddedPostgres(home, settings={"fsync": "off"})
    try:
        server.start()
        server.ensure_database("warehouse")
        yield server.url("admin", "warehouse")
    finally:
        server.stop()
        server.remove()
        shutil.rmtree(home)


POSTGRES_TYPES = {
    pl.Date: "date", pl.String: "text", pl.Int32: "int", pl.Int64: "bigint", pl.Float64: "float8",
    pl.Boolean: "bool", pl.Datetime: "timestamptz",
}  # fmt: skip


def in_postgres(url):
    def put(rows):
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(POSTGRES_TYPES[kind.base_type()]))
            for name, kind in rows.schema.items()
        )
        with psycopg.connect(url) as connection:
            connection.execute("DROP TABLE IF EXISTS visits")
            connection.execute(sql.SQL("CREATE TABLE visits ({})").format(columns))
            holes = ", ".join(["%s"] * rows.width)
            connection.cursor().executemany(f"INSERT INTO visits VALUES ({holes})", rows.rows())

    query = "SELECT * FROM visits -- 100% of them\n;"
    return Place(
        put, lambda known: PostgresQuery(url="WAREHOUSE", sql=query, known=known), {"WAREHOUSE": url}
    )


def in_parquet(url, environment, system=None):
    def put(rows):
        if system is None:
            Path(url).parent.mkdir(exist_ok=True, parents=True)
            rows.write_parquet(url)
        else:
            pq.write_table(rows.to_arrow(), url.removeprefix("s3://"), filesystem=system)

    return Place(put, lambda known: ParquetTable(url=url, known=known), environment)


def in_folders(root):
    def put(rows):
        shutil.rmtree(root, ignore_errors=True)
        (root / "_temporary" / "day=2024-01-08").mkdir(parents=True)
        (root / "_temporary" / "day=2024-01-08" / "half.parquet").write_bytes(b"PAR1 and no more")
        rows.write_parquet(root, partition_by=["day", "shop"])

    return Place(put, lambda known: ParquetTable(url=str(root), known=known), {})


def in_delta(url, options, environment):
    def put(rows):
        deltalake.write_deltalake(
            url,
            rows.to_arrow(),
            mode="overwrite",
            schema_mode="overwrite",
            storage_options=options,
            partition_by=["day"],
        )

    return Place(put, lambda known: DeltaTable(url=url, known=known), environment)


KINDS = ["postgres", "parquet", "hive folders", "delta", "parquet on s3", "delta on s3"]


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    """An empty place of each kind."""
    name = f"{abs(hash(request.node.name))}"
    if request.param == "postgres":
        return in_postgres(request.getfixturevalue("warehouse"))
    if request.param == "hive folders":
        return in_folders(tmp_path / "with a space")
    if "s3" not in request.param:
        make = in_parquet if request.param == "parquet" else lambda url, env: in_delta(url, None, env)
        return make(str(tmp_path / ("visits.parquet" if request.param == "parquet" else "visits")), {})
    endpoint = request.getfixturevalue("s3")
    environment = {"AWS_ENDPOINT_URL": endpoint}
    if request.param == "parquet on s3":
        return in_parquet(
            f"s3://features/{name}/visits.parquet", environment, S3FileSystem(endpoint_override=endpoint)
        )
    options = {**environment, "AWS_ALLOW_HTTP": "true"}
    return in_delta(f"s3://features/{name}", options, environment)


def test_a_table_is_read_as_it_was_known_at_an_instant(place):
    place.put(ROWS)
    tables = place.tables(place.dataset())
    assert tables.recorded("visits") == {
        MONDAY: (NOON, NOON + 10 * HOUR, CORRECTED),
        TUESDAY: (NOON + 26 * HOUR,),
    }
    assert tables.recorded("visits", [TUESDAY]) == {TUESDAY: (NOON + 26 * HOUR,)}
    assert list(tables.days("visits")) == [MONDAY, TUESDAY]

    expected = pl.DataFrame(
        [
            (MONDAY, "north", 7, 0.5, True, MONDAY, CORRECTED),
            (MONDAY, "south", None, None, False, MONDAY, NOON + 10 * HOUR),
            (TUESDAY, "north", 2, 1.5, True, TUESDAY, NOON + 26 * HOUR),
        ],
        schema={**VISITS.columns, "date": pl.Date(), "recorded_at": AT},
        orient="row",
    )
    assert_frame_equal(place.read(), expected)
    assert_frame_equal(place.read(first=TUESDAY), expected.tail(1))
    before = place.read(known_at=CORRECTED - timedelta(microseconds=1))
    assert before.select("shop", "count").rows() == [("north", 1), ("south", None), ("north", 2)]
    assert place.read(known_at=NOON)["count"].to_list() == [1]
    nothing = place.read(known_at=NOON - timedelta(microseconds=1))
    assert nothing.is_empty()
    assert nothing.schema == expected.schema


def test_a_row_that_is_added_to_a_day_changes_that_day_alone(place):
    place.put(ROWS.head(2).vstack(ROWS.tail(1)))
    before = place.tables(place.dataset()).days("visits")
    place.put(ROWS)
    after = place.tables(place.dataset()).days("visits")
    assert before[MONDAY] != after[MONDAY]
    assert before[TUESDAY] == after[TUESDAY]


def test_a_table_that_is_known_by_agreement_or_not_at_all_says_so(place):
    place.put(ROWS.filter(pl.col("loaded") != ROWS["loaded"][2]))
    known = KnownAfter(-2 * HOUR)
    tables = place.tables(place.dataset(known))
    agreed = {MONDAY: (NOON - 14 * HOUR,), TUESDAY: (NOON + 10 * HOUR,)}
    assert tables.recorded("visits") == agreed
    assert place.read(known, known_at=NOON)["recorded_at"].to_list() == [NOON - 14 * HOUR] * 2

    with structlog.testing.capture_logs() as said:
        forgetful = place.tables(dataset := place.dataset(ReadAtNight()))
        assert forgetful.recorded("visits") == {MONDAY: (ALWAYS,), TUESDAY: (ALWAYS,)}
        for _ in range(2):
            rows = forgetful.read(dataset, MONDAY, TUESDAY, NOON)
    assert rows["recorded_at"].to_list() == [NOON] * 3
    assert [(line["event"], line["dataset"]) for line in said] == [("table_has_no_past", "visits")]


def test_rows_that_are_not_as_declared_are_named_by_table_column_and_row(place):
    for rows, changes, problem in (
        (ROWS.drop("rain"), {}, r"rain"),
        (
            ROWS.with_columns(count=pl.lit("few")),
            {},
            r"visits, column 'count': holds String, which is not Int32",
        ),
        (
            ROWS.with_columns(rain=pl.lit(float("nan"))),
            {},
            r"'rain': the row \(2024-01-0[89], (north|south)\) holds nan, which is not a finite",
        ),
        (
            ROWS,
            {"nullable": frozenset({"rain"})},
            r"'count': the row \(2024-01-08, south\) is null in this column, which must be filled",
        ),
        (
            ROWS.with_columns(loaded=pl.lit(NOON)),
            {},
            r"'shop': 2 rows repeat a key, first \(2024-01-08, north\)",
        ),
        (
            ROWS.with_columns(loaded=pl.lit(None, AT)),
            {},
            r"does not say when the row \(2024-01-0[89], (north|south)\) was recorded",
        ),
    ):
        place.put(rows)
        with pytest.raises(BadTable, match=problem) as error:
            place.read(**changes)
        assert "Runbook: runbooks/bad-table.md" in str(error.value)


def test_a_place_with_no_table_is_named(place):
    dataset = place.dataset()
    if isinstance(dataset.source, PostgresQuery):
        pytest.skip("a query names its table itself")
    with pytest.raises(BadTable, match=r"there is no(thing| Delta table) at .*"):
        place.tables(dataset).days("visits")


def test_instants_of_a_day_column_in_utc_say_the_day(place):
    rows = ROWS.with_columns(
        day=pl.Series([NOON, NOON, NOON + 12 * HOUR - timedelta(microseconds=1), NOON + 12 * HOUR])
    )
    if not isinstance(place.dataset().source, PostgresQuery | ParquetTable) or "space" in str(
        place.dataset().source
    ):
        pytest.skip("partitions of instants are no folders of days")
    place.put(rows)
    columns = {**VISITS.columns, "day": AT}
    found = place.read(columns=columns)
    assert found["date"].to_list() == [MONDAY, MONDAY, TUESDAY]
    assert place.read(columns=columns, last=MONDAY)["count"].to_list() == [7, None]


def test_a_delta_table_is_not_read_as_its_parquet_files(tmp_path):
    deltalake.write_deltalake(str(tmp_path), ROWS.to_arrow())
    dataset = replace(VISITS, source=ParquetTable(url=str(tmp_path), known=LOADED))
    with pytest.raises(BadTable, match="is a Delta table, whose files have rows of older versions too"):
        ScannedTables({"visits": dataset}, lambda asked: opened(asked, {}, lasting)).recorded("visits")


def test_what_postgres_refuses_is_told_without_the_password(warehouse):
    place = in_postgres(warehouse)
    place.put(ROWS)

    def dataset(text):
        return replace(VISITS, source=PostgresQuery(url="WAREHOUSE", sql=text, known=LOADED))

    for text, problem in (
        ("SELECT * FROM visitors", 'Postgres refuses the query: relation "visitors" does not exist'),
        ("SELECT", 'Postgres refuses the query: column "day" does not exist'),
        (
            "SELECT day, shop, count, rain, ARRAY[1] AS open, loaded FROM visits",
            r"'open': has the Postgres type int4\[\]",
        ),
        ("INSERT INTO visits DEFAULT VALUES RETURNING *", "Postgres refuses the query: syntax error"),
        ("WITH gone AS (DELETE FROM visits RETURNING *) SELECT * FROM gone", "Postgres refuses the query"),
    ):
        with pytest.raises(BadTable, match=problem):
            place.tables(dataset(text)).read(dataset(text), MONDAY, TUESDAY)
    with pytest.raises(BadSettings, match="WAREHOUSE is not set; it names the database of visits"):
        replace(place, environment={}).read()
    with pytest.raises(BadSettings, match="WAREHOUSE holds no URL of a Postgres database") as refused:
        replace(place, environment={"WAREHOUSE": "mysql://me:secret@host/none"}).read()
    assert "secret" not in str(refused.value)
    unsaid = "SELECT day, shop, count, rain, open, nullif(loaded, max(loaded) OVER ()) AS loaded FROM visits"
    with pytest.raises(BadTable, match="'loaded': has rows that do not say when they were recorded"):
        place.tables(dataset(unsaid)).recorded("visits")
    for login in ({"password": "secret"}, {"user": "me", "password": "secret"}, {"dbname": "secretless"}):
        wrong = replace(place, environment={"WAREHOUSE": make_conninfo(warehouse, **login)})
        with pytest.raises(BadSettings, match=r"WAREHOUSE does not open the database of visits: ") as refused:
            wrong.read()
        assert "Correct host, database, user or password in WAREHOUSE" in str(refused.value)
        assert "secret@" not in str(refused.value)
    wrong = replace(place, environment={"WAREHOUSE": "postgresql://me:secret@127.0.0.1:1/none"})
    with pytest.raises(StoreUnavailable, match=r"The database in WAREHOUSE, of visits") as error:
        wrong.read()
    assert "secret" not in str(error.value)


def test_a_query_may_end_with_a_comment(warehouse):
    place = in_postgres(warehouse)
    place.put(ROWS)
    for end in ("-- all of them", "-- all of them;", "/* all of them */ ;"):
        dataset = place.dataset()
        dataset = replace(dataset, source=replace(dataset.source, sql=f"SELECT * FROM visits {end}"))
        assert list(place.tables(dataset).recorded("visits")) == [MONDAY, TUESDAY]


def test_a_url_keeps_the_options_of_its_session(warehouse):
    """A session is read-only and in UTC besides, whatever the URL says."""
    with psycopg.connect(warehouse) as connection:
        connection.execute("CREATE SCHEMA sales")
        connection.execute("CREATE SEQUENCE sales.tickets")
    url = make_conninfo(warehouse, options="-csearch_path=sales -ctimezone=Asia/Tokyo")
    place, columns = in_postgres(url), {**VISITS.columns, "day": AT}
    place.put(ROWS.head(1).with_columns(day=pl.lit(NOON + 11 * HOUR)))
    assert place.read(columns=columns).select("date", "count").rows() == [(MONDAY, 1)]
    writes = "SELECT day, shop, nextval('tickets')::int AS count, rain, open, loaded FROM visits"
    dataset = place.dataset(columns=columns)
    dataset = replace(dataset, source=replace(dataset.source, sql=writes))
    with pytest.raises(BadTable, match=r"cannot execute nextval\(\) in a read-only transaction"):
        place.tables(dataset).read(dataset, MONDAY, TUESDAY)


@pytest.mark.parametrize(("number", "told"), [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False)])
def test_a_host_that_is_not_there_is_told_apart_from_names_that_nobody_answers(number, told):
    error = psycopg.OperationalError(f"failed to resolve host 'db': [Errno {number}] it says so")
    assert no_such_host(error) is told


def test_a_numeric_of_postgres_is_a_fraction_or_told_to_be_cast(warehouse):
    place = in_postgres(warehouse)
    place.put(ROWS)
    text = (
        "SELECT day, shop, sum(count) AS count, avg(rain)::numeric(9, 2) AS rain, true AS open "
        "FROM visits GROUP BY 1, 2"
    )
    dataset = replace(VISITS, source=PostgresQuery(url="WAREHOUSE", sql=text, known=KnownAfter(DAY)))
    assert place.tables(dataset).read(dataset, MONDAY, TUESDAY)["rain"].to_list() == [0.5, None, 1.5]
    casts = text.replace("sum(count)", "sum(count)::numeric")
    dataset = replace(dataset, source=replace(dataset.source, sql=casts))
    with pytest.raises(BadTable, match=r"'count': holds Float64, which is not Int32. Have"):
        place.tables(dataset).read(dataset, MONDAY, TUESDAY)


def test_many_states_of_the_same_days_are_read_once(warehouse, monkeypatch):
    """Features are computed at each instant that changed a day."""
    place = in_postgres(warehouse)
    place.put(ROWS)
    asked = []
    dataset = place.dataset()
    tables = ScannedTables(
        {"visits": dataset}, lambda one: asked.append(one) or opened(one, place.environment, lasting)
    )
    for moment in (NOON, CORRECTED, None):
        tables.read(dataset, MONDAY, TUESDAY, moment)
    assert len(asked) == 1
    tables.days("visits")
    tables.read(dataset, MONDAY, TUESDAY)
    assert len(asked) == 3


def test_a_damaged_file_of_a_table_is_told(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    place = in_parquet(str(tmp_path), {})
    with pytest.raises(BadTable, match="table of visits: cannot be read: "):
        place.read()


def test_a_lack_of_memory_is_no_fault_of_a_table(tmp_path, monkeypatch):
    def refusing(self):
        raise pa.ArrowMemoryError("malloc of size 4096 failed")

    place = in_parquet(str(tmp_path / "visits.parquet"), {})
    place.put(ROWS)
    monkeypatch.setattr(LakeTable, "_lake", refusing)
    with pytest.raises(MemoryError, match="malloc of size 4096 failed"):
        place.read()


def test_no_file_of_a_table_can_land(tmp_path):
    place = in_parquet(str(tmp_path / "visits.parquet"), {})
    place.put(ROWS)
    sources = RawSources(None, place.tables(place.dataset()))
    with pytest.raises(NotDelivered, match="visits is read from a table, so no file of it can land"):
        sources.land(place.dataset(), MONDAY, tmp_path / "visits.parquet")
    assert sources.refused("visits") == ()
    assert list(sources.days("visits")) == [MONDAY, TUESDAY]


def test_instants_of_a_table_of_files_are_read_whatever_zone_they_name(tmp_path):
    """As pandas writes those of a fixed offset."""
    rows = ROWS.to_arrow()
    place = rows.schema.get_field_index("loaded")
    (tmp_path / "visits").mkdir()
    pq.write_table(
        rows.set_column(place, "loaded", rows["loaded"].cast(pa.timestamp("us", "+05:30"))),
        tmp_path / "visits" / "rows.parquet",
    )
    dataset = replace(VISITS, source=ParquetTable(url=str(tmp_path / "visits"), known=LOADED))
    table = LakeTable(dataset, dataset.source, {})
    assert table.rows(MONDAY, TUESDAY)[RECORDED].equals(ROWS["loaded"], check_names=False)
