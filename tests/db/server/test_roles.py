"""What roles may not do to the server, where we made it and where an administrator did with
docker/create-databases.sh.

Tables and columns are tried by test_rights_page.py.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from db.migrate import upgrade
from db.revisions import require_head
from db.server.embedded import EmbeddedPostgres, binary
from db.server.roles import ensure_roles
from db.session import make_engine
from db.urls import read
from db.views import VIEWS
from nightjar.core.errors.database import RightsMissing, RolesMissing
from nightjar.wiring.settings import PROJECT

DENIED = errors.InsufficientPrivilege
ODD = "".join(map(chr, range(0x20, 0x7F))) + "ü密"
SECRETS = {role: f"{role} {ODD}" for role in ("owner", "writer", "analyst", "prefect")}
"""Every printable character in each: whoever makes a password up may take any."""

FORBIDDEN = (
    # files, programs and other servers
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "COPY analytics.scores FROM PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/nightjar-copy'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_stat_file('postgresql.conf')",
    "SELECT pg_ls_logdir()",
    "SELECT lo_import('/etc/hostname')",
    "SELECT lo_export(1, '/tmp/nightjar-lo')",
    "CREATE EXTENSION dblink SCHEMA analytics",
    "CREATE EXTENSION file_fdw SCHEMA analytics",
    # writes that no table shows
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_unlink(1)",
    "SELECT pg_logical_emit_message(false, 'x', 'y')",
    "SELECT setval('nightjar.run_id_seq', 1)",
    # becoming somebody else, and what only they may see
    "SET ROLE nightjar_owner",
    "SET SESSION AUTHORIZATION nightjar_owner",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_hba_file_rules",
    # rights and roles
    "CREATE ROLE somebody_new",
    "ALTER ROLE nightjar_analyst SUPERUSER",
    "ALTER ROLE nightjar_analyst CONNECTION LIMIT 1000",
    "ALTER ROLE nightjar_owner PASSWORD 'x'",
    "GRANT nightjar_owner TO nightjar_analyst",
    # programs in the database
    "DO $$ BEGIN PERFORM 1; END $$",
    "CREATE FUNCTION analytics.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION nightjar.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "SELECT nightjar.guard_run()",
    # the schema
    "CREATE SCHEMA mine",
    "CREATE TABLE public.mine (n integer)",
    "CREATE TABLE nightjar.mine (n integer)",
    "CREATE TABLE feast.mine (n integer)",
    "CREATE TABLE analytics.mine (n integer)",
    "DROP TABLE nightjar.report",
    "DROP VIEW analytics.scores",
    "DROP SCHEMA analytics CASCADE",
    "CREATE OR REPLACE VIEW analytics.reports AS SELECT 1 AS model",
    "ALTER TABLE nightjar.score DETACH PARTITION nightjar.score_2013_06",
    "ALTER TABLE nightjar.run DISABLE TRIGGER guard_run",
    "COMMENT ON VIEW analytics.scores IS 'x'",
    "UPDATE nightjar.alembic_version SET version_num = '0001'",
    "REINDEX TABLE nightjar.run",
    # the server
    "ALTER SYSTEM SET work_mem = '1GB'",
    "SET session_replication_role = replica",
    "SET temp_file_limit = -1",
    "SET log_statement = 'none'",
    "CREATE DATABASE mine",
    "CREATE TABLESPACE mine LOCATION '/tmp'",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "SELECT pg_create_physical_replication_slot('mine')",
    "SELECT pg_reload_conf()",
    "SELECT pg_switch_wal()",
    "SELECT pg_stat_reset()",
    "CHECKPOINT",
)
"""To the writer and to analysts alike."""

FORBIDDEN_TO_ANALYSTS = (
    "UPDATE analytics.scores SET score = 1",
    "DELETE FROM analytics.publications",
    "INSERT INTO analytics.reports (kind) VALUES ('x')",
    "CREATE TEMPORARY TABLE mine (n integer)",
    "SELECT model INTO TEMPORARY mine FROM analytics.runs",
    "CREATE FUNCTION pg_temp.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "SELECT nightjar.ensure_score_partition('2030-01-01')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_xact_lock_shared(1, 1)",
    "SELECT pg_advisory_unlock_all()",
    "SET ROLE nightjar_writer",
    "SELECT pg_relation_size('nightjar.run')",
    "SELECT ts_stat('SELECT entity_key::tsvector FROM nightjar.score')",
    "SELECT * FROM nightjar.score_2013_06",
)

FORBIDDEN_TO_THE_WRITER = (
    "UPDATE nightjar.score_2013_06 SET score = 1",
    "DELETE FROM nightjar.score_2013_06",
    "SELECT * FROM nightjar.score_2013_06",
    "SET ROLE nightjar_analyst",
)


def as_user(url, user, password):
    return read(url).changed(user=user, password=password).text


@pytest.fixture(scope="module")
def administered():
    """The databases as docker/create-databases.sh leaves them, migrated by an owner who may create no
    roles: a URL for each role.
    """
    home = Path(tempfile.mkdtemp(prefix="nightjar-admin-"))
    home.chmod(0o755)  # root runs the server as another account
    server = EmbeddedPostgres(home, settings={"fsync": "off", "logging_collector": "off"})
    try:
        server.start()
        admin = server.url("admin", "postgres")
        arguments = _run_script(admin, home)
        urls = {
            role: as_user(server.url("admin", "nightjar"), f"nightjar_{role}", SECRETS[role])
            for role in ("owner", "writer", "analyst")
        }
        ensure_roles(urls["owner"], {role: SECRETS[role] for role in ("writer", "analyst")})
        upgrade(urls["owner"])
        yield {**urls, "admin": admin, "arguments": arguments}
    finally:
        server.stop()
        server.remove()
        shutil.rmtree(home)


def _run_script(admin_url, folder):
    """Returns what psql was given as arguments."""
    info = psycopg.conninfo.conninfo_to_dict(admin_url)
    names = {
        "owner": "OWNER",
        "writer": "NIGHTJAR_WRITER",
        "analyst": "NIGHTJAR_ANALYST",
        "prefect": "PREFECT_DATABASE",
    }
    passwords = {f"{names[role]}_PASSWORD": secret for role, secret in SECRETS.items()}
    connection = {
        "PGHOST": info["host"],
        "PGPORT": info["port"],
        "PGPASSWORD": info["password"],
        "POSTGRES_USER": info["user"],
    }
    environment = {**os.environ, **connection, **passwords}
    psql = folder / "psql"
    ours, arguments = (shlex.quote(str(path)) for path in (binary("psql"), folder / "arguments"))
    psql.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{arguments}; exec {ours} "$@"\n')
    psql.chmod(0o755)
    environment["PATH"] = f"{folder}:{environment['PATH']}"
    subprocess.run(
        ["bash", "-e", PROJECT / "docker" / "create-databases.sh"],
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return (folder / "arguments").read_text()


@pytest.fixture(scope="module", params=["ours", "administered"])
def urls(request):
    """A URL for each role, in a database where a month of scores exists."""
    if request.param == "ours":
        published = request.getfixturevalue("published")
        found = {role: published.url(role) for role in ("owner", "writer", "analyst")}
    else:
        found = request.getfixturevalue("administered")
    with psycopg.connect(found["writer"]) as writer:
        writer.execute("SELECT nightjar.ensure_score_partition('2013-06-15')")
    return found


@pytest.fixture(scope="module")
def analyst(urls):
    with psycopg.connect(urls["analyst"], autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")  # rights must do, not habits
        yield connection


@pytest.fixture(scope="module")
def writer(urls):
    with psycopg.connect(urls["writer"], autocommit=True) as connection:
        yield connection


@pytest.fixture(params=["analyst", "writer"])
def either(request, analyst, writer):
    return {"analyst": analyst, "writer": writer}[request.param]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_neither_the_writer_nor_an_analyst_may(either, statement):
    with pytest.raises((DENIED, errors.WrongObjectType)):
        either.execute(statement)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_ANALYSTS)
def test_an_analyst_may_not(analyst, statement):
    with pytest.raises((DENIED, errors.ObjectNotInPrerequisiteState, errors.FeatureNotSupported)):
        analyst.execute(statement)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_THE_WRITER)
def test_the_writer_may_not(writer, statement):
    with pytest.raises(DENIED):
        writer.execute(statement)


def test_nobody_ends_the_session_of_another_role(urls, either):
    with psycopg.connect(urls["owner"]) as owner:
        for function in ("pg_terminate_backend", "pg_cancel_backend"):
            with pytest.raises(DENIED):
                either.execute(f"SELECT {function}({owner.info.backend_pid})")


@pytest.mark.parametrize("role", ["analyst", "writer"])
@pytest.mark.parametrize("other", ["postgres", "template1"])
def test_neither_has_another_database_to_work_in(urls, role, other):
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(urls[role], dbname=other)


def test_the_script_shows_no_password_to_whoever_lists_processes(administered):
    assert "ON_ERROR_STOP" in administered["arguments"]
    assert not [secret for secret in SECRETS.values() if secret in administered["arguments"]]


def test_scores_and_prefects_tables_are_closed_to_each_other(administered):
    for role in ("analyst", "writer", "owner"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(administered[role], dbname="prefect")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(as_user(administered["admin"], "prefect", SECRETS["prefect"]), dbname="nightjar")


def test_an_analyst_reads_every_view(published):
    with psycopg.connect(published.url("analyst"), autocommit=True) as analyst:
        views = [
            row[0] for row in analyst.execute("SELECT viewname FROM pg_views WHERE schemaname = 'analytics'")
        ]
        assert len(views) == len(VIEWS)
        for view in views:
            analyst.execute(f"SELECT * FROM {view}")
        assert analyst.execute("SELECT count(*) FROM scores").fetchone() == (2,)


def test_an_analyst_starts_read_only_with_limits_and_the_views_in_sight(urls):
    wanted = {
        "default_transaction_read_only": "on",
        "statement_timeout": "1min",
        "search_path": "analytics",
        "temp_file_limit": "4GB",
    }
    with psycopg.connect(urls["analyst"], autocommit=True) as analyst:
        assert {name: analyst.execute(f"SHOW {name}").fetchone()[0] for name in wanted} == wanted
        assert analyst.execute(
            "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (40,)


def test_what_an_analyst_changed_of_its_own_role_is_set_right_by_the_next_migration(postgres, database):
    """A role may change its own password and defaults: Postgres knows no way to forbid it."""
    with psycopg.connect(database.url("analyst"), autocommit=True) as analyst:
        analyst.execute("SET default_transaction_read_only = off")
        analyst.execute("ALTER ROLE nightjar_analyst SET statement_timeout = 0")
        analyst.execute("ALTER ROLE nightjar_analyst PASSWORD 'mine'")
    ensure_roles(postgres.url("admin", database.name), postgres.passwords)
    with psycopg.connect(database.url("analyst"), autocommit=True) as analyst:
        assert analyst.execute("SHOW statement_timeout").fetchone() == ("1min",)


def test_the_writer_reads_the_feature_registry_that_the_owner_writes(database):
    with psycopg.connect(database.url("owner")) as owner:
        owner.execute("CREATE TABLE feast.projects (name text)")
    with psycopg.connect(database.url("writer")) as writer:
        assert writer.execute("SELECT * FROM feast.projects").fetchall() == []
        with pytest.raises(DENIED):
            writer.execute("INSERT INTO feast.projects VALUES ('x')")
    with psycopg.connect(database.url("analyst")) as analyst, pytest.raises(DENIED):
        analyst.execute("SELECT * FROM feast.projects")


GRANTS = """
    SELECT object, right_.privilege_type, right_.grantee::regrole::text FROM (
        SELECT relname || '.' || coalesce(attname, '') AS object, CASE WHEN attname IS NULL THEN relacl
            ELSE attacl END AS rights, relnamespace AS lies
        FROM pg_class JOIN (SELECT attrelid, attname, attacl FROM pg_attribute UNION ALL SELECT oid, NULL,
            NULL FROM pg_class) AS a ON attrelid = oid
        UNION ALL SELECT proname, coalesce(proacl, acldefault('f', proowner)), pronamespace FROM pg_proc
        UNION ALL SELECT nspname, nspacl, oid FROM pg_namespace
        UNION ALL SELECT 'default', defaclacl, defaclnamespace FROM pg_default_acl
    ) AS granted, aclexplode(rights) AS right_
    WHERE lies IN ('nightjar'::regnamespace, 'analytics'::regnamespace, 'feast'::regnamespace)
"""
LOSE = """
    REVOKE ALL ON ALL TABLES IN SCHEMA nightjar, analytics, feast FROM nightjar_writer, nightjar_analyst;
    REVOKE ALL ON SCHEMA nightjar, analytics, feast FROM nightjar_writer, nightjar_analyst;
    ALTER DEFAULT PRIVILEGES IN SCHEMA feast REVOKE ALL ON TABLES FROM nightjar_writer;
    REVOKE ALL ON FUNCTION nightjar.ensure_score_partition(date) FROM nightjar_writer;
    REVOKE ALL ON FUNCTION analytics.publications_after(bigint) FROM nightjar_writer, nightjar_analyst;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA nightjar, analytics TO PUBLIC
"""


def rights(owner):
    """All grants; of a month those that let the writer add rows."""
    found = {tuple(row) for row in owner.execute(GRANTS)}
    return {
        row for row in found if not row[0].startswith("score_") or row[1:] == ("INSERT", "nightjar_writer")
    }


def test_rights_that_a_restore_lost_are_named_and_given_back_by_the_runbook(database):
    page = (PROJECT / "runbooks" / f"{RightsMissing.runbook}.md").read_text()
    statements = page.partition("<<'SQL'\n")[2].partition("\nSQL\n")[0]
    engine = make_engine(database.url("writer"))
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("SELECT nightjar.ensure_score_partition('2013-06-15')")
        migrated = rights(owner)
        owner.execute(LOSE)
        with pytest.raises(RightsMissing, match="permission denied for schema nightjar"):
            require_head(engine)
        owner.execute(statements)
        assert rights(owner) == migrated
    require_head(engine)
    engine.dispose()


def test_nobody_enters_without_the_password(database):
    url = database.url("writer").replace(database.server.passwords["writer"], "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_roles_may_be_ensured_by_several_at_once(postgres, database):
    with ThreadPoolExecutor(6) as pool:
        for done in [
            pool.submit(ensure_roles, postgres.url("admin", database.name), postgres.passwords)
            for _ in range(12)
        ]:
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
    with psycopg.connect(postgres.url("admin", "postgres"), autocommit=True) as admin:
        admin.execute("CREATE ROLE somebody LOGIN PASSWORD 'open'")
        admin.execute("CREATE DATABASE theirs OWNER somebody")
        yield as_user(postgres.url("admin", "theirs"), "somebody", "open")
        admin.execute("DROP DATABASE theirs WITH (FORCE)")
        admin.execute("DROP ROLE somebody")


def test_an_owner_without_the_right_to_create_roles_uses_those_that_exist(theirs):
    from db.revisions import current, head

    ensure_roles(theirs, {"writer": "ignored"})
    upgrade(theirs)
    engine = make_engine(theirs)
    assert current(engine) == head()
    engine.dispose()


def test_an_owner_without_roles_is_told_what_an_administrator_must_run(theirs, monkeypatch):
    monkeypatch.setattr("db.server.roles.WRITER", "nightjar_absent")
    with pytest.raises(
        RolesMissing,
        match=(
            r"somebody may not create the roles nightjar_absent.*CREATE ROLE nightjar_absent LOGIN PASSWORD"
        ),
    ):
        ensure_roles(theirs, {})
