"""Finds out why Postgres refuses a connection.

libpq returns the text of a refusal, which is in the server's language. It does not return the SQLSTATE.
A trace of the connection shows it, so a connection that failed is tried once more with a trace.
"""

import os
import re
import select
import sys
from collections.abc import Mapping

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.errors import FinishedPGconn

LOGIN = ("28", "3D000", "42", "22", "0A", "55P02")
"""SQLSTATEs (or their classes) by which a server refuses a connection for good.

They are about login, database, right to connect, parameters and protocol.
"""

POOLER = "08P01"
"""The SQLSTATE that PgBouncer gives to every error. Its texts are in English."""

AWAITED: Mapping[int, int] = {
    pq.PollingStatus.READING: select.POLLIN,
    pq.PollingStatus.WRITING: select.POLLOUT,
}
SILENCE_MS = 5_000

STATE = re.compile(rb'ErrorResponse\t S ".*?"(?: V ".*?")? C "(\w{5})"')

BY_TEXT = re.compile(
    # libpq itself, which has no SQLSTATE and, in psycopg's wheels, no translations
    r"no password supplied|invalid \S+ value|invalid value for parameter|invalid port number"
    r"|invalid connection option|bad value for|could not match \d+ |could not parse network address"
    r"|definition of service|service file|syntax error in service|is too long \(maximum"
    r"|SSL was required|certificate(?: |$)|private key|authentication method|channel binding required"
    r"|invalid response to SSL negotiation|expected authentication request"
    # a pooler, and the server where nothing can be traced
    r"|no such (?:database|user)|authentication failed|no pg_hba\.conf entry|pg_hba\.conf rejects"
    r"|database \".*\" does not exist|role \".*\" (?:does not exist|is not permitted)"
    r"|permission denied for database|unrecognized configuration parameter",
    re.MULTILINE,
)
"""Matches the text of a permanent refusal of a login or a parameter, for errors without a SQLSTATE."""


def state_of(error: psycopg.Error) -> str | None:
    """The SQLSTATE of an error, also of a failed attempt to connect; None where the server said nothing."""
    if error.sqlstate is not None or error.pgconn is None:
        return error.sqlstate
    return _traced(error.pgconn)


def for_good(error: psycopg.Error, state: str | None) -> bool:
    """Return True if the connection will be refused until a person changes a setting or the server."""
    if state is not None and not (state == POOLER and error.pgconn is not None):
        return state.startswith(LOGIN if error.pgconn is not None else "28")
    if error.pgconn is not None and error.pgconn.needs_password:
        return True
    told = isinstance(error, psycopg.OperationalError | psycopg.ProgrammingError)
    return told and BY_TEXT.search(str(error)) is not None


def lasting(error: psycopg.Error) -> bool:
    """`for_good` of any error. A connection that failed is tried once more, to find out."""
    return for_good(error, state_of(error))


def said(error: psycopg.Error | Exception) -> str:
    """Return the error on one line. If several addresses were tried, it holds the error of each."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "; ".join(line.removeprefix("- ") for line in lines if line.startswith("- host: ")) or lines[0]


def _traced(failed: "pq.abc.PGconn | FinishedPGconn") -> str | None:
    """The SQLSTATE that another attempt gets.

    None if it succeeds or gets no answer, and on other systems than Linux, where libpq cannot trace.
    """
    if sys.platform != "linux":
        return None
    given = {option.keyword.decode(): option.val.decode() for option in failed.info if option.val}
    trace = os.memfd_create("libpq")  # in memory: it holds what the client sent, too
    try:
        connection = pq.PGconn.connect_start(make_conninfo("", **given).encode())
        connection.trace(trace)
        _await_answer(connection)
        connection.untrace()
        connection.finish()
        found = STATE.findall(os.pread(trace, os.fstat(trace).st_size, 0))
    finally:
        os.close(trace)
    return found[-1].decode() if found else None


def _await_answer(connection: "pq.abc.PGconn") -> None:
    """Wait until the connection is made or refused, or until the server was silent for some time."""
    failed = connection.status == pq.ConnStatus.BAD
    state: int = pq.PollingStatus.FAILED if failed else pq.PollingStatus.WRITING
    while state in AWAITED:
        poll = select.poll()
        poll.register(connection.socket, AWAITED[state])
        if not poll.poll(SILENCE_MS):
            return
        state = connection.connect_poll()
