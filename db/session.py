"""Connections to Postgres, and what their failures mean: the store cannot be reached now, and the same call may be made again."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from nightjar.core.errors import BadSettings, RightsMissing, StorageRefused, StoreUnavailable

KEEPALIVES = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
"""A server that vanished without a word is noticed after a minute, not after two hours; also with bytes on their way to it, then not after 15 minutes."""

SESSION = """
    SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false), set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
           set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '60000', false),
           set_config('extra_float_digits', '1', false), set_config('default_transaction_isolation', 'read committed', false)
"""
"""Whatever the server, PGTZ or an ALTER ROLE says: instants come back in UTC, scores with all their digits, and whoever has waited for a lock sees what
was committed meanwhile. And a client that vanished is noticed in the same time: until then its session keeps the rows and the lock that it holds."""

TRANSIENT = ("08", "40", "53", "57", "58", "55P03", "25006", "25P03", "25P04")
"""SQLSTATEs (or their classes) that pass by themselves: connection, rollback, resources, operator intervention, disk, lock not available; a standby
that is not promoted yet, or a database that was made read-only; a transaction that stood still or lasted longer than somebody lets it."""

REFUSED_STATE = "28"
"""SQLSTATEs of a login that is refused."""

DENIED_STATE = "42501"
"""SQLSTATE of a statement for which the role has no right."""

REMEDY = "Correct the URL in NIGHTJAR_DATABASE_URL, or the role's password in NIGHTJAR_WRITER_PASSWORD or NIGHTJAR_ANALYST_PASSWORD."

REFUSED = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|role \".*\" (?:does not exist|is not permitted)|permission denied for database"
    r"|invalid \w+ value|invalid value for parameter|invalid URI|invalid connection option|bad value for|unrecognized configuration parameter"
    r"|server does not support SSL|root certificate|certificate verify failed"
)
"""What libpq says of a login or a parameter that will not do the next time either: without a connection there is no SQLSTATE, only text.

A server that speaks another language is not understood; its refusals are then retried a few times, in vain.
"""


def parse(url: str) -> URL:
    """The URL with the driver we use. Raises BadSettings, which doesn't repeat the URL: it holds a password.

    An @ in a password would cut it in two, and its rest would be looked up as a host, in every error and in the network's name server.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise BadSettings("NIGHTJAR_DATABASE_URL is no URL of a Postgres", "It reads postgresql://user:password@host:port/database.")
    if "@" in f"{parsed.host}{parsed.database}":
        raise BadSettings("NIGHTJAR_DATABASE_URL holds an @ too many", "Write the one in the password as %40.")
    return parsed.set(drivername="postgresql+psycopg")


def plain(url: URL) -> str:
    """The URL as libpq and psql take it, password included."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def as_user(url: str, user: str, password: str) -> str:
    """The same database, for another user."""
    return plain(parse(url).set(username=user, password=password))


def with_search_path(url: str, schema: str) -> str:
    """An SQLAlchemy URL whose connections look for tables in one schema alone."""
    parsed = parse(url).update_query_dict({"options": f"-csearch_path={schema}"})
    return parsed.render_as_string(hide_password=False)


def make_engine(url: str, *, pool_size: int = 5, application_name: str = "nightjar") -> Engine:
    """An engine that connects when first used. Raises BadSettings for a URL that is none."""
    engine = create_engine(
        parse(url),
        pool_size=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"application_name": application_name, "connect_timeout": 10, "client_encoding": "utf8", **KEEPALIVES},
    )
    event.listen(engine, "connect", _settle)
    return engine


def _settle(connection: "psycopg.Connection[tuple]", _record: object) -> None:
    """By a query, not as options of the connection: poolers refuse those."""
    connection.execute(SESSION)
    connection.commit()


def driver(connection: Connection) -> "psycopg.Connection[tuple]":
    """The connection of psycopg under SQLAlchemy's: COPY runs on it, in the same transaction."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


@contextmanager
def translated(what: str = "The score database") -> Iterator[None]:
    """Turn what psycopg and SQLAlchemy raise into errors of ours; what they do not know passes through.

    Lost connections, timeouts and deadlocks become StoreUnavailable, a full disk of the server becomes
    StorageRefused, refused logins and parameters become BadSettings, lost rights become RightsMissing.
    """
    try:
        yield
    except (DBAPIError, psycopg.Error, PoolTimeout) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if _refused(cause):
            raise BadSettings(f"{what} refuses us: {_first_line(cause)}", REMEDY) from error
        if getattr(cause, "sqlstate", None) == DENIED_STATE:
            raise RightsMissing(what, _first_line(cause)) from error
        if isinstance(cause, psycopg.errors.DiskFull):
            disk = f"The disk of {what[:1].lower()}{what[1:]}"
            raise StorageRefused(OSError(errno.ENOSPC, _first_line(cause), disk)) from error
        if not _passes(cause):
            raise
        raise StoreUnavailable(what, _first_line(cause)) from error


def _refused(cause: BaseException | None) -> bool:
    state = getattr(cause, "sqlstate", None)
    if state is None:
        return isinstance(cause, psycopg.OperationalError | psycopg.ProgrammingError) and REFUSED.search(str(cause)) is not None
    return state.startswith(REFUSED_STATE)


def _passes(cause: BaseException | None) -> bool:
    if isinstance(cause, PoolTimeout):
        return True
    state = getattr(cause, "sqlstate", None)
    if state is None:
        return isinstance(cause, psycopg.OperationalError)
    return state.startswith(TRANSIENT)


def _first_line(cause: BaseException | None) -> str:
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]
