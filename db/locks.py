"""Locks that live as long as a connection. A process that dies releases its locks without a clean-up."""

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date

import psycopg
from sqlalchemy import Connection, Engine, TextClause, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from db.session import translated
from nightjar.core.errors.base import Retryable
from nightjar.core.errors.database import NightsRunning
from nightjar.core.errors.night import NightBusy, WorkBusy
from nightjar.core.errors.settings import BadSettings
from nightjar.core.ports.going_on import GoOn, unasked

POLL_S = 0.2
SCHEMA_LOCK = "nightjar schema"
"""Processes that work with the tables share this lock. A migration holds it alone.

As soon as a migration asks for it, no other process gets it.
"""

READERS_END_WITHIN_S = 10
"""A session that is idle in a transaction keeps locks on what it read. Later readers must not wait for it."""

INTRODUCE = text("""
    SELECT set_config('application_name', :name, false), set_config('idle_session_timeout', '0', false)
""")
TAKE = text("SELECT pg_try_advisory_lock(hashtextextended(:what, 0))")
SHARE = text("SELECT pg_try_advisory_lock_shared(hashtextextended(:what, 0))")
TAKE_FOR_TRANSACTION = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
LOCK_TIMEOUT = text("SELECT set_config('lock_timeout', :timeout, true)")
RELEASE = text("SELECT pg_advisory_unlock_all()")
BACKEND = text("SELECT pg_backend_pid()")
OF_LOCKS = """
    held.locktype = 'advisory' AND held.objsubid = 1
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""The rows of `pg_locks AS held` that are such as TAKE takes, of this database. Every role may read them."""
NUMBER = "(held.classid::bigint << 32 | held.objid::bigint)"
"""What such a lock is taken on."""
HOLDER = text(f"""
    SELECT coalesce(
        application_name || ' since ' ||
        to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC',
        'another process, of role ' || usename
    )
    FROM pg_locks AS held JOIN pg_stat_activity USING (pid)
    WHERE {OF_LOCKS} AND held.mode = :mode AND {NUMBER} = hashtextextended(:what, 0)
""")  # noqa: S608  # words of this module

READERS = text("""
    SELECT DISTINCT
        'role ' || usename || ' with pid ' || pid || ', which reads in an open transaction' AS reader
    FROM pg_locks AS held JOIN pg_stat_activity USING (pid) JOIN pg_class ON pg_class.oid = held.relation
    WHERE held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND pid <> pg_backend_pid()
      AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('nightjar', 'analytics'))
    ORDER BY reader
""")
HELD = text(f"""
    SELECT what FROM unnest(CAST(:whats AS text[])) AS what JOIN pg_locks AS held
      ON {NUMBER} = hashtextextended(what, 0)
    WHERE {OF_LOCKS} AND held.granted
""")  # noqa: S608  # words of this module


def night_lock(
    engine: Engine, model: str, score_date: date, *, wait_s: float, go_on: GoOn = unasked
) -> AbstractContextManager[None]:
    """Hold (model, score date) for the context.

    Raises NightBusy after wait_s seconds, Stopped while it waits, StoreUnavailable.
    """
    return _held(
        engine,
        [lock_name(model, score_date)],
        wait_s,
        lambda _, holder: NightBusy(model, score_date, holder, wait_s),
        go_on,
    )


def held_nights(connection: Connection, model: str, score_dates: Iterable[date]) -> frozenset[date]:
    """Return the dates whose night a process holds at this moment."""
    names = {lock_name(model, score_date): score_date for score_date in score_dates}
    return frozenset(names[what] for what in connection.execute(HELD, {"whats": list(names)}).scalars())


@contextmanager
def nights_lock(engine: Engine, nights: Iterable[tuple[str, date]]) -> Iterator[bool]:
    """Hold several nights for a moment, if no process works at any of them. Yields whether they are held.

    It never waits, so it cannot deadlock.
    """
    with translated():
        connection = _own_connection(engine)
    try:
        with translated():
            held = all(connection.execute(TAKE, {"what": lock_name(*night)}).scalar_one() for night in nights)
        yield held
    finally:
        _let_go(connection)


def lock_name(model: str, score_date: date) -> str:
    return f"{model} {score_date}"


def exclusive(
    engine: Engine, *whats: str, wait_s: float, go_on: GoOn = unasked
) -> AbstractContextManager[None]:
    """Do each of these kinds of work in one process at a time.

    They are taken in the order given. Two callers that share some give those in the same order.
    Raises WorkBusy after wait_s seconds, Stopped while it waits, StoreUnavailable.
    """
    return _held(engine, whats, wait_s, lambda what, holder: WorkBusy(what, holder, wait_s), go_on)


def alone(connection: Connection, *, wait_s: float) -> None:
    """Reserve the schema for this transaction. Work under way ends first; new work waits for its end.

    Raises NightsRunning, and changes nothing, if a process is still at work after wait_s seconds.
    Afterwards the transaction waits for a lock at most READERS_END_WITHIN_S, because new readers queue behind
    it.
    """
    try:
        with connection.begin_nested():
            connection.execute(LOCK_TIMEOUT, {"timeout": f"{max(1, round(wait_s * 1000))}ms"})
            connection.execute(TAKE_FOR_TRANSACTION, {"what": SCHEMA_LOCK})
            connection.execute(LOCK_TIMEOUT, {"timeout": f"{READERS_END_WITHIN_S}s"})
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
        working = connection.execute(HOLDER, {"what": SCHEMA_LOCK, "mode": "ShareLock"}).scalars()
        raise NightsRunning(list(working), wait_s) from error


@contextmanager
def naming_readers(engine: Engine) -> Iterator[None]:
    """Wrap the transaction of `alone`.

    Raises NightsRunning if the transaction stopped waiting for readers. Nothing has changed then.
    """
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
        with engine.connect() as connection:
            readers = connection.execute(READERS).scalars().all()
        raise NightsRunning(readers, READERS_END_WITHIN_S) from error


def require_own_sessions(engine: Engine) -> None:
    """Raises BadSettings if connections share sessions, as behind a pooler.

    A lock belongs to one session, so it would then protect nothing.
    """
    with translated(), _own_connection(engine) as one, _own_connection(engine) as other:
        first, second, again = (connection.execute(BACKEND).scalar_one() for connection in (one, other, one))
    if first == second or first != again:
        raise BadSettings(
            "NIGHTJAR_DATABASE_URL leads through a pooler that shares sessions, like PgBouncer in "
            "transaction mode",
            (
                "Name Postgres itself, or let the pooler pool whole sessions: a night's lock lives on its "
                "session."
            ),
        )


@contextmanager
def _held(
    engine: Engine, whats: Iterable[str], wait_s: float, busy: Callable[[str, str], Retryable], go_on: GoOn
) -> Iterator[None]:
    with translated():
        connection = _own_connection(engine)
    try:
        deadline = time.monotonic() + wait_s
        with translated():
            migrating = _wait(connection, SHARE, SCHEMA_LOCK, deadline, go_on)
        if migrating is not None:
            raise WorkBusy("migrating the database", migrating, wait_s)
        for what in whats:
            with translated():
                holder = _wait(connection, TAKE, what, deadline, go_on)
            if holder is not None:
                raise busy(what, holder)
        yield
    finally:
        _let_go(connection)


def _own_connection(engine: Engine) -> Connection:
    """A connection outside the pool and outside any transaction.

    Closing it ends the session, and releases the lock.
    """
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()
    connection.execute(INTRODUCE, {"name": f"process {os.getpid()} on {socket.gethostname()[:32]}"})
    return connection


def _let_go(connection: Connection) -> None:
    """Release the lock. Closing alone would release it too, but a moment after we return.

    A lost session has released its lock. Its error here must not hide why it was lost.
    """
    with suppress(SQLAlchemyError):
        connection.execute(RELEASE)
    connection.close()


def _wait(connection: Connection, take: TextClause, what: str, deadline: float, go_on: GoOn) -> str | None:
    """Wait for a lock. Return None if we hold it, or its holder (or next holder) after the deadline.

    The deadline is a time of the monotonic clock.
    """
    while not connection.execute(take, {"what": what}).scalar_one():
        if time.monotonic() >= deadline:
            return (
                connection.execute(HOLDER, {"what": what, "mode": "ExclusiveLock"}).scalars().first()
                or "a process that has just ended"
            )
        go_on()
        time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))
    return None
