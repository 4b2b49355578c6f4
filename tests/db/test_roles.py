"""Who may do what: tried as the role itself."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import errors

from db.roles import ensure_roles
from nightjar.core.errors import RolesMissing

DENIED = errors.InsufficientPrivilege
LEDGERS = ("dataset", "model_version", "promotion", "receipt", "score", "quarantined_row", "publication", "outcome")


@pytest.fixture
def analyst(published):
    with psycopg.connect(published.url("analyst"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def writer(published):
    with psycopg.connect(published.url("writer"), autocommit=True) as connection:
        yield connection


def test_an_analyst_reads_every_view(analyst):
    views = [row[0] for row in analyst.execute("SELECT viewname FROM pg_views WHERE schemaname = 'analytics'")]
    assert len(views) == 10
    for view in views:
        analyst.execute(f"SELECT * FROM {view}")
    assert analyst.execute("SELECT count(*) FROM scores").fetchone() == (2,)


@pytest.mark.parametrize("table", [*LEDGERS, "run", "performance", "drift", "report", "alembic_version", "score_2013_06"])
def test_an_analyst_reads_no_table(analyst, table):
    with pytest.raises(DENIED):
        analyst.execute(f"SELECT * FROM nightjar.{table}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE analytics.scores SET score = 1",
        "DELETE FROM analytics.publications",
        "INSERT INTO analytics.reports (kind) VALUES ('x')",
        "CREATE TABLE analytics.mine (n integer)",
        "CREATE TABLE public.mine (n integer)",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine (n integer)",
        "SELECT nightjar.ensure_score_partition('2030-01-01')",
        "SET ROLE nightjar_owner",
    ],
)
def test_an_analyst_changes_nothing_even_in_a_read_write_transaction(analyst, statement):
    analyst.execute("SET default_transaction_read_only = off")
    with pytest.raises((DENIED, errors.ObjectNotInPrerequisiteState, errors.FeatureNotSupported)):
        analyst.execute(statement)


def test_an_analyst_starts_read_only_with_a_time_limit_and_the_views_in_sight(analyst):
    settings = [analyst.execute(f"SHOW {name}").fetchone()[0] for name in ("default_transaction_read_only", "statement_timeout", "search_path")]
    assert settings == ["on", "1min", "analytics"]


@pytest.mark.parametrize("table", LEDGERS)
@pytest.mark.parametrize("change", ["DELETE FROM nightjar.{}", "UPDATE nightjar.{0} SET {1} = {1}", "TRUNCATE nightjar.{} CASCADE"])
def test_the_writer_cannot_change_a_ledger(writer, table, change):
    column = "run_id" if table in {"receipt", "score", "quarantined_row"} else "model"
    with pytest.raises(DENIED):
        writer.execute(change.format(table, column))


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE nightjar.report",
        "CREATE TABLE nightjar.mine (n integer)",
        "DELETE FROM nightjar.run",
        "ALTER TABLE nightjar.score DETACH PARTITION nightjar.score_2013_06",
        "CREATE TABLE public.mine (n integer)",
        "DROP VIEW analytics.scores",
        "SELECT * FROM pg_authid",
        "CREATE TABLE feast.mine (n integer)",
    ],
)
def test_the_writer_owns_nothing(writer, statement):
    with pytest.raises(DENIED):
        writer.execute(statement)


def test_the_writer_reads_the_feature_registry_that_the_owner_writes(database):
    with psycopg.connect(database.url("owner")) as owner:
        owner.execute("CREATE TABLE feast.projects (name text)")
    with psycopg.connect(database.url("writer")) as writer:
        assert writer.execute("SELECT * FROM feast.projects").fetchall() == []
        with pytest.raises(DENIED):
            writer.execute("INSERT INTO feast.projects VALUES ('x')")
    with psycopg.connect(database.url("analyst")) as analyst, pytest.raises(DENIED):
        analyst.execute("SELECT * FROM feast.projects")


def test_nobody_enters_without_the_password(database):
    url = database.url("writer").replace(database.server.passwords["writer"], "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_roles_may_be_ensured_by_several_at_once(postgres, database):
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(ensure_roles, postgres.url("admin", database.name), postgres.passwords) for _ in range(12)]:
            done.result()


def test_a_password_may_hold_any_character(postgres, database):
    odd = 'it\'s "100%" \\ {fun}; --'
    try:
        ensure_roles(postgres.url("admin", database.name), {**postgres.passwords, "writer": odd})
        with psycopg.connect(database.url("writer"), password=odd) as connection:
            connection.execute("SELECT 1")
    finally:
        ensure_roles(postgres.url("admin", database.name), postgres.passwords)


@pytest.fixture
def theirs(postgres, template):
    """The URL of a database on a server where we are nobody special: its owner may not create roles."""
    from db.session import as_user

    with psycopg.connect(postgres.url("admin", "postgres"), autocommit=True) as admin:
        admin.execute("CREATE ROLE somebody LOGIN PASSWORD 'open'")
        admin.execute("CREATE DATABASE theirs OWNER somebody")
        yield as_user(postgres.url("admin", "theirs"), "somebody", "open")
        admin.execute("DROP DATABASE theirs WITH (FORCE)")
        admin.execute("DROP ROLE somebody")


def test_an_owner_without_the_right_to_create_roles_uses_those_that_exist(theirs):
    from db.migrate import current, head, upgrade
    from db.session import make_engine

    ensure_roles(theirs, {"writer": "ignored"})
    upgrade(theirs)
    engine = make_engine(theirs)
    assert current(engine) == head()
    engine.dispose()


def test_an_owner_without_roles_is_told_what_an_administrator_must_run(theirs, monkeypatch):
    monkeypatch.setattr("db.roles.WRITER", "nightjar_absent")
    with pytest.raises(RolesMissing, match=r"somebody may not create the roles nightjar_absent.*CREATE ROLE nightjar_absent LOGIN PASSWORD"):
        ensure_roles(theirs, {})


def test_an_analyst_cannot_write_by_a_side_door(database):
    with psycopg.connect(database.url("analyst"), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for attempt in ("SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'x')", "CREATE TEMP TABLE t (i int)", "SELECT pg_advisory_lock(1)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attempt)


@pytest.mark.parametrize("other", ["postgres", "template1"])
def test_an_analyst_has_no_other_database_to_write_in(database, other):
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(database.server.url("analyst", other))
