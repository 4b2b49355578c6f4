"""Reads what a Prefect server lists to the end: one answer has at most 200 objects."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def every(read: Callable[..., Sequence[T]], **asked: Any) -> list[T]:
    """Return all that `read` finds, in the order of the server.

    read: a method of the client that takes `offset`. asked: its other arguments, without a limit: the server
    knows its own.
    """
    found = list[T]()
    while page := read(**asked, offset=len(found)):
        found += page
    return found
