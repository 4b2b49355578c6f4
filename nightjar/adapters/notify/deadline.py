"""A deadline for what waits on others: a receiver that sends a byte now and then meets every read timeout."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T], late: T) -> T:
    """Return what the work returns, or `late` if it takes longer.

    work: raises no error. Late work goes on in a thread that ends with it, or with the process.
    """
    done = SimpleQueue[T]()
    Thread(target=lambda: done.put(work()), daemon=True).start()
    try:
        return done.get(timeout=seconds)
    except Empty:
        return late
