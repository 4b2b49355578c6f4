"""The revision of the schema: that of the database, and that which the code needs.

Alembic, which takes time to import, is needed only to migrate.
"""

from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from db.session import translated
from nightjar.core.errors.database import SchemaNewer, SchemaOutdated

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"
REVISION = text("SELECT version_num FROM nightjar.alembic_version")


def head() -> str:
    """The revision that the code needs."""
    return max(known())


@cache
def known() -> frozenset[str]:
    """Return the revisions that the code can migrate to. A migration's file is named by its own."""
    return frozenset(file.name.partition("_")[0] for file in MIGRATIONS.glob("[0-9]*.py"))


def current(engine: Engine) -> str | None:
    """Return the database's revision; None if it was never migrated. Raises StoreUnavailable."""
    with translated(), engine.connect() as connection:
        return recorded(connection)


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


def recorded(connection: Connection) -> str | None:
    """Return the database's revision; None if it was never migrated."""
    try:
        with connection.begin_nested():
            return connection.execute(REVISION).scalar_one_or_none()
    except ProgrammingError as error:
        if isinstance(error.orig, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
            return None
        raise
