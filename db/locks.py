"""Locks that live as long as a connection: whoever dies lets go, and nobody has to clean up."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from db.session import translated
from nightjar.core.errors import NightBusy, Retryable, WorkBusy

POLL_S = 0.2

INTRODUCE = text("""
    SELECT set_config('application_name', :name, false), set_config('idle_session_timeout', '0', false),
           set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
           set_config('tcp_keepalives_count', '3', false)
""")
TAKE = text("SELECT pg_try_advisory_lock(hashtextextended(:what, 0))")
RELEASE = text("SELECT pg_advisory_unlock_all()")
HOLDER = text("""
    SELECT application_name || ' since ' || to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
    FROM pg_locks AS held JOIN pg_stat_activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (held.classid::bigint << 32 | held.objid::bigint) = hashtextextended(:what, 0)
""")


def night_lock(engine: Engine, model: str, score_date: date, *, wait_s: float) -> AbstractContextManager[None]:
    """Hold (model, score date) for the context. Raises NightBusy after wait_s seconds, StoreUnavailable."""
    return _held(engine, f"{model} {score_date}", wait_s, lambda holder: NightBusy(model, score_date, holder, wait_s))


def exclusive(engine: Engine, what: str, *, wait_s: float) -> AbstractContextManager[None]:
    """Do one kind of work in one process at a time. Raises WorkBusy after wait_s seconds, StoreUnavailable."""
    return _held(engine, what, wait_s, lambda holder: WorkBusy(what, holder, wait_s))


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
