"""Locks that live as long as a connection: whoever dies lets go, and nobody has to clean up."""

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from db.session import translated
from nightjar.core.errors import BadSettings, NightBusy, Retryable, WorkBusy

POLL_S = 0.2

INTRODUCE = text("""
    SELECT set_config('application_name', :name, false), set_config('idle_session_timeout', '0', false),
           set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
           set_config('tcp_keepalives_count', '3', false)
""")
TAKE = text("SELECT pg_try_advisory_lock(hashtextextended(:what, 0))")
RELEASE = text("SELECT pg_advisory_unlock_all()")
BACKEND = text("SELECT pg_backend_pid()")
HOLDER = text("""
    SELECT coalesce(
        application_name || ' since ' || to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC',
        'another process, of role ' || usename
    )
    FROM pg_locks AS held JOIN pg_stat_activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (held.classid::bigint << 32 | held.objid::bigint) = hashtextextended(:what, 0)
""")

HELD = text("""
    SELECT what FROM unnest(CAST(:whats AS text[])) AS what JOIN pg_locks AS held
      ON (held.classid::bigint << 32 | held.objid::bigint) = hashtextextended(what, 0)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


def night_lock(engine: Engine, model: str, score_date: date, *, wait_s: float) -> AbstractContextManager[None]:
    """Hold (model, score date) for the context. Raises NightBusy after wait_s seconds, StoreUnavailable."""
    return _held(engine, lock_name(model, score_date), wait_s, lambda holder: NightBusy(model, score_date, holder, wait_s))


def held_nights(connection: Connection, model: str, score_dates: Iterable[date]) -> frozenset[date]:
    """Those of the dates that some process holds at this moment."""
    names = {lock_name(model, score_date): score_date for score_date in score_dates}
    return frozenset(names[what] for what in connection.execute(HELD, {"whats": list(names)}).scalars())


@contextmanager
def nights_lock(engine: Engine, nights: Iterable[tuple[str, date]]) -> Iterator[bool]:
    """Hold several nights for a moment, if nobody works at any of them; whether they are held. Never waits, so it cannot deadlock."""
    with translated():
        connection = _own_connection(engine)
    try:
        with translated():
            held = all(connection.execute(TAKE, {"what": lock_name(*night)}).scalar_one() for night in nights)
        yield held
    finally:
        with suppress(DBAPIError):
            connection.execute(RELEASE)
        connection.close()


def lock_name(model: str, score_date: date) -> str:
    return f"{model} {score_date}"


def exclusive(engine: Engine, what: str, *, wait_s: float) -> AbstractContextManager[None]:
    """Do one kind of work in one process at a time. Raises WorkBusy after wait_s seconds, StoreUnavailable."""
    return _held(engine, what, wait_s, lambda holder: WorkBusy(what, holder, wait_s))


def require_own_sessions(engine: Engine) -> None:
    """Raises BadSettings where connections share sessions, as behind a pooler: a lock would then be held by nobody, or by everybody."""
    with translated(), _own_connection(engine) as one, _own_connection(engine) as other:
        first, second, again = (connection.execute(BACKEND).scalar_one() for connection in (one, other, one))
    if first == second or first != again:
        raise BadSettings(
            "NIGHTJAR_DATABASE_URL leads through a pooler that shares sessions, like PgBouncer in transaction mode",
            "Name Postgres itself, or let the pooler pool whole sessions: a night's lock lives on its session.",
        )


@contextmanager
def _held(engine: Engine, what: str, wait_s: float, busy: Callable[[str], Retryable]) -> Iterator[None]:
    with translated():
        connection = _own_connection(engine)
    try:
        with translated():
            holder = _wait(connection, what, wait_s)
        if holder is not None:
            raise busy(holder)
        yield
    finally:
        with suppress(DBAPIError):  # closing alone would let go too, but a moment after we return
            connection.execute(RELEASE)
        connection.close()


def _own_connection(engine: Engine) -> Connection:
    """Outside the pool and outside any transaction, so that closing it ends the session, and the lock with it."""
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()
    connection.execute(INTRODUCE, {"name": f"process {os.getpid()} on {socket.gethostname()[:32]}"})
    return connection


def _wait(connection: Connection, what: str, wait_s: float) -> str | None:
    """None once the lock is ours; who holds it when wait_s seconds have passed."""
    deadline = time.monotonic() + wait_s
    while not connection.execute(TAKE, {"what": what}).scalar_one():
        if time.monotonic() >= deadline:
            return connection.execute(HOLDER, {"what": what}).scalar_one_or_none() or "a process that has just ended"
        time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))
    return None
