"""What the writer and analysts may execute of ours, with arguments and settings that mean no good."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from nightjar.core.errors.settings import BadSettings

OURS = """
    SELECT oid::regprocedure::text, prosecdef, proowner::regrole::text, coalesce(proconfig, '{}'),
        has_function_privilege('nightjar_writer', oid, 'EXECUTE'),
        has_function_privilege('nightjar_analyst', oid, 'EXECUTE')
    FROM pg_proc WHERE pronamespace::regnamespace::text IN ('nightjar', 'analytics', 'feast', 'public')
"""
PARTITIONS = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'nightjar.score'::regclass"
TODAY = datetime.now(UTC).date()
BEYOND = (
    "NULL",
    "'infinity'",
    "'-infinity'",
    "'0044-03-15 BC'",
    "'4713-01-01 BC'",
    "'0044-03-15'",
    "'1899-12-31'",
    "'2200-01-01'",
    "'5874897-12-31'",
    f"'{TODAY + timedelta(days=400)}'",
)
SETTINGS = (
    "DateStyle = 'SQL, DMY'",
    "DateStyle = 'German'",
    "TimeZone = 'Pacific/Kiritimati'",
    "TimeZone = 'Etc/GMT+12'",
    "search_path = pg_temp",
)


@pytest.fixture
def writer(database):
    with psycopg.connect(database.url("writer"), autocommit=True) as connection:
        yield connection


def test_the_writer_may_execute_two_functions_and_analysts_one(shared_database):
    with psycopg.connect(shared_database.url("owner")) as owner:
        found = owner.execute(OURS).fetchall()
    feed = "analytics.publications_after(bigint)"
    writers = {"nightjar.ensure_score_partition(date)", feed}
    assert {name for name, *_, writer, _ in found if writer} == writers
    assert [name for name, *_, analyst in found if analyst] == [feed]


def test_each_function_looks_names_up_where_nobody_else_puts_any(shared_database):
    with psycopg.connect(shared_database.url("owner")) as owner:
        found = owner.execute(OURS).fetchall()
    assert len(found) > 4
    for name, _, belongs_to, settings, *_ in found:
        assert (name, belongs_to) == (name, "nightjar_owner")
        assert (name, [setting for setting in settings if "search_path" in setting]) == (
            name,
            ["search_path=pg_catalog, pg_temp"],
        )


def test_one_function_has_the_rights_of_its_owner(shared_database):
    with psycopg.connect(shared_database.url("owner")) as owner:
        assert [name for name, definer, *_ in owner.execute(OURS) if definer] == [
            "nightjar.ensure_score_partition(date)"
        ]


@pytest.mark.parametrize("day", BEYOND)
def test_no_month_is_made_for_a_date_that_no_night_has(writer, day):
    with pytest.raises(
        errors.DatetimeFieldOverflow, match="it is not between 1900-01-01 and a year from now"
    ):
        writer.execute(f"SELECT nightjar.ensure_score_partition({day})")
    assert writer.execute(PARTITIONS).fetchone() == (0,)


def test_many_months_ahead_are_refused_together(writer):
    ahead = (
        "SELECT nightjar.ensure_score_partition((now() + n * interval '1 month')::date) FROM "
        "generate_series(1, 60) AS n"
    )
    with pytest.raises(errors.DatetimeFieldOverflow):
        writer.execute(ahead)
    assert writer.execute(PARTITIONS).fetchone() == (0,)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_month_is_the_same_whatever_the_session_is_set_to(writer, setting):
    writer.execute(f"SET {setting}")
    for day, month in (
        ("1900-01-01", "score_1900_01"),
        ("2013-03-31", "score_2013_03"),
        ("2013-12-01", "score_2013_12"),
    ):
        assert writer.execute(f"SELECT nightjar.ensure_score_partition(date '{day}')").fetchone() == (month,)
    bounds = writer.execute(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'score_2013_03'"
    ).fetchone()
    writer.execute("RESET ALL")
    again = writer.execute(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'score_2013_03'"
    ).fetchone()
    assert again == ("FOR VALUES FROM ('2013-03-01') TO ('2013-04-01')",), bounds


def test_tomorrow_and_the_day_in_a_year_have_a_month(writer):
    for day in (TODAY + timedelta(days=1), TODAY + timedelta(days=365)):
        assert writer.execute("SELECT nightjar.ensure_score_partition(%s)", [day]).fetchone() == (
            f"score_{day:%Y_%m}",
        )


def test_a_night_too_far_ahead_is_refused_with_a_sentence(on_postgres):
    with (
        pytest.raises(BadSettings, match=r"refuses a date: no night of 2190-01-01 is stored"),
        on_postgres.claim(TODAY.replace(2190, 1, 1)),
    ):
        pass
    assert on_postgres.store.runs() == ()
