"""Waits until something is published, on a connection that listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from db.session import connect, translated

CHANNEL = "nightjar_publication"
"""The name that consumers give to LISTEN."""


@contextmanager
def listening(url: str) -> Iterator[Callable[[float], bool]]:
    """Yield a function that waits for at most so many seconds, and says whether something was published.

    The connection holds no transaction, so it does not let the queue of the server grow.
    Raises StoreUnavailable, also while it waits.
    """
    with translated(), connect(url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")  # pyright: ignore[reportArgumentType]  # a constant

        def published(seconds: float) -> bool:
            with translated():
                return any(True for _ in connection.notifies(timeout=seconds, stop_after=1))

        yield published
