"""Do one piece of work on a thread of its own while another one is done."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from threading import Event
from typing import Protocol, TypeVar

from nightjar.core.ports.going_on import GoOn

T = TypeVar("T")


class Unwanted(Exception):
    """What the work was for has failed."""


class Beside(Protocol):
    def __call__(self, work: Callable[[GoOn], T]) -> AbstractContextManager[Callable[[], T]]:
        """Do the work by the end of the block. Give a function for its result, as `beside` does."""
        ...


@contextmanager
def beside(work: Callable[[GoOn], T]) -> Generator[Callable[[], T]]:
    """Begin the work, and give a function that waits for its result, or raises its error.

    The work runs in a copy of this context, so that its log lines name its night. It has ended when the block
    has: if the block fails, its own error counts, and the work ends when it next asks if it may go on.
    """
    failed = Event()

    def go_on(*, last: bool = False) -> None:  # noqa: ARG001  # every answer is new
        if failed.is_set():
            raise Unwanted

    with ThreadPoolExecutor(1, thread_name_prefix="beside") as pool:
        begun = pool.submit(copy_context().run, work, go_on)
        try:
            yield begun.result
        except BaseException:
            failed.set()
            raise
