"""Migrates the schema to the revision that the code needs.

There is no ini file: the environment lies in db/migrations.
"""

import re
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from db import views
from db.locks import alone, naming_readers
from db.revisions import head, recorded, require_known
from db.session import make_engine, translated
from db.tables import SCHEMA

VERSION_TABLE = "alembic_version"
WORK_ENDS_WITHIN_S = 600.0
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
            found = recorded(connection)
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
            require_known(recorded(connection))
            alone(connection, wait_s=wait_s)
            views.drop(connection)
            command.downgrade(_config(connection), revision)
    finally:
        engine.dispose()


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


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
