"""The session of a watcher: it waits until something is published, and leads if it was the first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from db.locks import NUMBER, OF_LOCKS
from db.session import connect, translated

CHANNEL = "nightjar_publication"
"""The name that consumers give to LISTEN."""
WATCHER = "hashtextextended('nightjar watcher', 0)"
LEAD = f"SELECT pg_try_advisory_lock({WATCHER})"
"""A session that has the lock gets it again."""
WATCHED = f"""
    SELECT EXISTS (SELECT FROM pg_locks AS held WHERE {OF_LOCKS} AND held.granted AND {NUMBER} = {WATCHER})
"""  # noqa: S608  # words of this module
"""Whether a session leads. Every role may ask."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A session that listens. Its methods raise StoreUnavailable once it has ended."""

    connection: "psycopg.Connection[tuple[Any, ...]]"

    def published(self, seconds: float) -> bool:
        """Wait for at most so many seconds. Return True if something was published."""
        with translated():
            return any(True for _ in self.connection.notifies(timeout=seconds, stop_after=1))

    def leads(self) -> bool:
        """Return True if this session leads: it was the first to ask. It leads until it ends."""
        with translated():
            return self.connection.execute(LEAD).fetchone() == (True,)


@contextmanager
def listening(url: str) -> Iterator[Listener]:
    """Listen for the context. Raises StoreUnavailable.

    The connection holds no transaction, so it does not let the queue of the server grow.
    """
    with translated(), connect(url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")  # pyright: ignore[reportArgumentType]  # a constant
        yield Listener(connection)
