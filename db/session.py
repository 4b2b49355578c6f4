"""Connections to Postgres, and what their failures mean.

The store cannot be reached now, and the same call may be made again.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.refusals import for_good, said, state_of
from db.urls import read
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.database import RightsMissing, StoreUnavailable
from nightjar.core.errors.machine import StorageRefused
from nightjar.core.errors.settings import BadSettings

KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that vanished silently is noticed after a minute, not after two hours.

If bytes were on their way to it, this also takes a minute, not 15.
"""

SESSION = """
    SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false),
        set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
           set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '60000', false),
           set_config('extra_float_digits', '1', false), set_config('random_page_cost', '1.1', false),
           set_config('default_transaction_isolation', 'read committed', false)
"""
"""The settings of each session. They override the server, PGTZ and ALTER ROLE.

Instants come back in UTC, and scores with all their digits. A session that waited for a lock sees what was
committed meanwhile. The server notices a vanished client in the same time. Until then its session keeps its
rows and its lock. Of a month of many nights it reads one by its index: the server's own setting is one for
disks that turn, by which reading all of them seems cheaper.
"""

TRANSIENT = ("08", "40", "53", "57", "58", "55P03", "25006", "25P03", "25P04")
"""SQLSTATEs (or their classes) of errors that pass by themselves.

They are: connection, rollback, resources, operator intervention, disk, lock not available. Others are a
standby that is not promoted yet, a database that was made read-only, and a transaction that was idle or
lasted longer than a setting allows.
"""

BEYOND_STATE = "22008"
"""SQLSTATE of a date or an instant that is out of range."""

DENIED_STATE = "42501"
"""SQLSTATE of a statement for which the role has no right."""

LOCKED_STATE = "55P03"
"""SQLSTATE of a lock that another session has held for longer than was waited."""

FULL_STATE = "53100"
"""SQLSTATE of a server whose disk is full."""

REMEDY = (
    "Correct NIGHTJAR_DATABASE_URL or NIGHTJAR_DATABASE_PASSWORD, or the role's password in "
    "NIGHTJAR_WRITER_PASSWORD or NIGHTJAR_ANALYST_PASSWORD. "
    "Migrate a new database first: that makes its roles."
)
OLDEST = 15
"""The oldest version of Postgres that the migrations, the roles' rights and the tests know."""


def connect(url: str, *, autocommit: bool = False) -> "psycopg.Connection[tuple[Any, ...]]":
    """Open one connection of psycopg.

    Raises BadSettings for an invalid URL and for a server that is too old, and the errors of `translated`.
    """
    connection = psycopg.connect(**_settings(url, "nightjar"))
    try:
        _settle(connection)
    except (BadSettings, psycopg.Error):
        connection.close()
        raise
    connection.autocommit = autocommit
    return connection


def make_engine(url: str, *, pool_size: int = 5, application_name: str = "nightjar") -> Engine:
    """Return an engine that connects when first used. Raises BadSettings for an invalid URL."""
    engine = create_engine(
        "postgresql+psycopg://",  # without the password, which its repr or an error would show
        pool_size=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=_settings(url, application_name),
    )
    # This must come first: SQLAlchemy must send no query before it, because the server may be too old.
    event.listen(engine, "connect", _settle, insert=True)
    return engine


def require_supported(version: int) -> None:
    """Raises BadSettings for a server that is too old. version: as libpq counts, 150004 for 15.4."""
    if version // 10_000 < OLDEST:
        found = f"The server is Postgres {version // 10_000}"
        raise BadSettings(found, f"Nightjar needs {OLDEST} or newer: name such a server.")


def _settings(url: str, application_name: str) -> dict[str, Any]:
    """Return the parameters of a connection.

    The URL may change the timeouts, but not the encoding of text.
    """
    ours = {"application_name": application_name, "client_encoding": "utf8"}
    return {"connect_timeout": 10, **KEEPALIVES, **read(url).parameters, **ours}


def _settle(connection: "psycopg.Connection[tuple[Any, ...]]", _record: object = None) -> None:
    """Set the session's settings by a query. Poolers refuse settings in the connection's options."""
    require_supported(connection.info.server_version)
    connection.autocommit = True  # one trip to the server and not three
    connection.execute(SESSION)
    connection.autocommit = False


def driver(connection: Connection) -> "psycopg.Connection[tuple]":
    """The connection of psycopg under SQLAlchemy's: COPY runs on it, in the same transaction."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


@contextmanager
def translated(what: str = "The score database") -> Iterator[None]:
    """Turn errors of psycopg and SQLAlchemy into our errors. Other errors pass through.

    Lost connections, timeouts and deadlocks become StoreUnavailable. A full disk of the server becomes
    StorageRefused. Refused logins, parameters and dates become BadSettings. Lost rights become RightsMissing.
    """
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable(what, said(error)) from error
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        meant = _meaning(what, cause) if isinstance(cause, psycopg.Error) else None
        if meant is None:
            raise
        raise meant from error


def _meaning(what: str, cause: psycopg.Error) -> NightjarError | None:
    state, words = state_of(cause), said(cause)
    if for_good(cause, state):
        return BadSettings(f"{what} refuses us: {words}", REMEDY)
    if state == DENIED_STATE:
        return RightsMissing(what, words)
    if state == BEYOND_STATE:
        return BadSettings(f"{what} refuses a date: {words}", "Name another.")
    if state == FULL_STATE:
        return StorageRefused(OSError(errno.ENOSPC, words, f"The disk of {what[:1].lower()}{what[1:]}"))
    if state == LOCKED_STATE:
        return StoreUnavailable(what, words, "is kept waiting by another process")
    return StoreUnavailable(what, words) if _passes(cause, state) else None


def _passes(cause: psycopg.Error, state: str | None) -> bool:
    """Return True if the error passes by itself. A connection that failed for an unknown reason does."""
    if state is None or cause.pgconn is not None:
        return isinstance(cause, psycopg.OperationalError)
    return state.startswith(TRANSIENT)
