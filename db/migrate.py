"""Migrates the schema to the revision that the code needs, and reports its revision.

There is no ini file: the environment lies in db/migrations.
"""

import re
from functools import cache
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from db import views
from db.locks import alone, naming_readers
from db.session import make_engine, translated
from db.tables import SCHEMA
from nightjar.core.errors.database import SchemaNewer, SchemaOutdated

VERSION_TABLE = "alembic_version"
WORK_ENDS_WITHIN_S = 600.0
REVISION = text("SELECT version_num FROM nightjar.alembic_version")
FEAST_SCHEMA = text("SELECT to_regnamespace('feast') IS NOT NULL")
RESTORE_FEAST_SCHEMA = """
    CREATE SCHEMA IF NOT EXISTS feast;
    COMMENT ON SCHEMA feast IS 'Registry of Feast: written by feast apply, read by flows';
    GRANT USAGE ON SCHEMA feast TO nightjar_writer;
    ALTER DEFAULT PRIVILEGES IN SCHEMA feast GRANT SELECT ON TABLES TO nightjar_writer;
"""
"""All of it comes from the models' code, so it can be dropped and made again."""
PARTITION = re.compile(r"^score_\d{4}_\d{2}$")


def upgrade(owner_url: str, revision: str = "head", *, wait_s: float = WORK_ENDS_WITHIN_S) -> None:
    """Migrate to a revision and put the analysts' views in place, all in one transaction.

    It waits for another migration to end. If nothing is to be done, it locks nothing, so it may run at every
    start. Otherwise it waits at most wait_s seconds for nights under way, and no night begins meanwhile.
    Readers have some seconds to end their transactions.
    The roles must exist (`db.server.roles.ensure_roles`).
    Raises SchemaNewer if newer code has migrated before, NightsRunning, StoreUnavailable.
    """
    engine = make_engine(owner_url, pool_size=1, application_name="nightjar migrate")
    try:
        with translated(), naming_readers(engine), engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('nightjar migrate', 0))"))
            target = head() if revision == "head" else revision
            found = _revision(connection)
            require_known(found)
            if (
                found != target
                or not views.in_place(connection)
                or not connection.execute(FEAST_SCHEMA).scalar_one()
            ):
                alone(connection, wait_s=wait_s)
                _migrate(connection, target)
    finally:
        engine.dispose()


def downgrade(owner_url: str, revision: str = "base", *, wait_s: float = WORK_ENDS_WITHIN_S) -> None:
    """Go back to a revision. The views are dropped; the next upgrade makes them again.

    Raises SchemaNewer, NightsRunning.
    """
    engine = make_engine(owner_url, pool_size=1, application_name="nightjar migrate")
    try:
        with translated(), naming_readers(engine), engine.begin() as connection:
            require_known(_revision(connection))
            alone(connection, wait_s=wait_s)
            views.drop(connection)
            command.downgrade(_config(connection), revision)
    finally:
        engine.dispose()


@cache
def head() -> str:
    """The revision that the code needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


@cache
def known() -> frozenset[str]:
    """Return the revisions that the code can migrate to."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def current(engine: Engine) -> str | None:
    """Return the database's revision; None if it was never migrated. Raises StoreUnavailable."""
    with translated(), engine.connect() as connection:
        return _revision(connection)


def require_head(engine: Engine) -> None:
    """Raises SchemaOutdated or SchemaNewer if the database is not at the revision that the code needs."""
    found = current(engine)
    require_known(found)
    if found != head():
        raise SchemaOutdated(found, head())


def require_known(found: str | None) -> None:
    """Raises SchemaNewer for a revision that no migration of this code leads to."""
    if found is not None and found not in known():
        raise SchemaNewer(found, head())


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """Return True for what Alembic compares: our schema without its version table and the months of score."""
    del parents
    if kind == "schema":
        return name == SCHEMA
    return kind != "table" or (name is not None and name != VERSION_TABLE and not PARTITION.match(name))


def _migrate(connection: Connection, target: str) -> None:
    """Migrate. The views are dropped before the tables under them change."""
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    views.drop(connection)
    command.upgrade(_config(connection), target)
    if target == head():
        views.create(connection)
        if not connection.execute(FEAST_SCHEMA).scalar_one():
            connection.exec_driver_sql(RESTORE_FEAST_SCHEMA)


def _revision(connection: Connection) -> str | None:
    try:
        with connection.begin_nested():
            return connection.execute(REVISION).scalar_one_or_none()
    except ProgrammingError as error:
        if isinstance(error.orig, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
            return None
        raise


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
