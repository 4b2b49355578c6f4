"""Create the three roles and set their rights outside the schema.

The owner migrates, the writer runs flows, the analyst reads `analytics`.
"""

import time
from collections.abc import Mapping

import psycopg
import structlog
from psycopg import Connection, sql

from db.server.passwords import verifier
from db.session import connect, translated
from nightjar.core.errors.database import RightsMissing, RolesMissing

log = structlog.get_logger(__name__)

OWNER, WRITER, ANALYST = "nightjar_owner", "nightjar_writer", "nightjar_analyst"
ANALYST_SETTINGS = {
    "statement_timeout": "60s",
    "default_transaction_read_only": "on",
    "search_path": "analytics",
}
ANALYST_CONNECTIONS = 40
"""Analysts get at most this many of Postgres' default hundred connections.

So a night finds a free connection, however many analysts there are.
"""

ANALYST_LIMITS = {"temp_file_limit": "4GB"}
"""Limits that a superuser can set and an analyst cannot raise."""

ATTEMPTS = 10
SIDE_DOORS = r"""
    SELECT 'FUNCTION ' || oid::regprocedure, CASE WHEN proname LIKE '%advisory%' THEN 'lock' ELSE 'write' END
    FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
      AND (proname LIKE 'lo\_%' OR proname LIKE '%advisory%'
        OR proname IN ('loread', 'lowrite', 'pg_logical_emit_message'))
      AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0))
    UNION ALL
    SELECT 'LANGUAGE ' || lanname, 'program' FROM pg_language
    WHERE lanname = 'plpgsql'
      AND (lanacl IS NULL OR EXISTS (SELECT FROM aclexplode(lanacl) WHERE grantee = 0))
"""
"""The query lists the objects that everybody may still use, and the purpose of each."""

KEEP = {"lock": (OWNER, WRITER), "write": (), "program": (OWNER,)}
"""By purpose, the roles that keep their right.

Nights wait for advisory locks. Migrations create functions. No role writes large objects or WAL messages.
"""


def ensure_roles(url: str, passwords: Mapping[str, str]) -> None:
    """Create the roles, set their passwords, and let them into the URL's database.

    It may be called again, and by several processes at once.
    passwords: by owner, writer, analyst. With an owner's password, nightjar_owner becomes the owner of the
    database, and the database is closed to everybody else. Without one, the URL's user stays the owner.
    Writer and analyst are always created, because the migrations name them. Without a password they cannot
    log in.
    Raises RolesMissing, with the SQL to run, if the URL's user may not create them.
    """
    wanted = [*([OWNER] if "owner" in passwords else []), WRITER, ANALYST]
    for attempt in range(ATTEMPTS):
        try:
            with translated(), connect(url) as connection:
                for role in wanted:
                    _ensure_role(connection, role, passwords.get(role.removeprefix("nightjar_")))
                _let_in(connection, ours=OWNER in wanted)
        except RightsMissing as error:
            _accept_as_they_are(url, wanted, error)
            return
        except (
            psycopg.errors.DuplicateObject,
            psycopg.errors.UniqueViolation,
            psycopg.errors.InternalError_,
        ):
            # Roles belong to the whole server and have no lock. The process that loses a race looks again.
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.05 * (attempt + 1))
        else:
            return


def _ensure_role(connection: Connection, role: str, password: str | None) -> None:
    known = connection.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    name = sql.Identifier(role)
    if known is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
    if password is not None:
        connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, verifier(connection, role, password))
        )
    if role == ANALYST:
        connection.execute(
            sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(name, sql.Literal(ANALYST_CONNECTIONS))
        )
        _set_for(connection, role, ANALYST_SETTINGS)


def _set_for(connection: Connection, role: str, settings: Mapping[str, str]) -> None:
    for setting, value in settings.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(role), sql.Identifier(setting), sql.Literal(value)
            )
        )


def _let_in(connection: Connection, *, ours: bool) -> None:
    name, writer, analyst = (sql.Identifier(word) for word in (connection.info.dbname, WRITER, ANALYST))
    if ours:
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, sql.Identifier(OWNER)))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
        _set_for(connection, ANALYST, ANALYST_LIMITS)
        _close_side_doors(connection)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(name, writer, analyst))
    connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(name, writer))


def _close_side_doors(connection: Connection) -> None:
    """Revoke the rights that Postgres gives to everybody but an analyst must not have.

    docker/create-databases.sh does the same if a superuser prepares a server.
    """
    for door, purpose in connection.execute(SIDE_DOORS).fetchall():
        name, keepers = sql.SQL(door), sql.SQL(", ").join(map(sql.Identifier, KEEP[purpose]))
        connection.execute(sql.SQL("REVOKE ALL ON {} FROM PUBLIC").format(name))
        if KEEP[purpose]:
            connection.execute(sql.SQL("GRANT ALL ON {} TO {}").format(name, keepers))


def _accept_as_they_are(url: str, wanted: list[str], error: RightsMissing) -> None:
    """Accept a user without CREATEROLE if the roles exist already."""
    with translated(), connect(url) as connection:
        user = connection.info.user
        rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [wanted]).fetchall()
    if missing := sorted(set(wanted) - {row[0] for row in rows}):
        raise RolesMissing(user, missing) from error
    log.info("roles_left_as_they_are", roles=wanted, reason=str(error.__cause__).splitlines()[0])
