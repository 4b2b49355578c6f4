"""A cache keeps values that one retrieval prepares and later ones may use.

The parts of a night request the same instant of the same files.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    @property
    def size(self) -> int:
        """Its size in memory in bytes."""
        ...


Kept = TypeVar("Kept", bound=Sized)


@dataclass(eq=False)
class Cache(Generic[Kept]):
    """Values by key. The least recently used value is dropped first.

    Threads may share it. If another thread is making a value, a thread that requests it waits. A key must
    name everything that its value depends on, including the state of the files. So no value is out of date.
    """

    _values: OrderedDict[Hashable, "Future[Kept]"] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: Hashable, make: Callable[[], Kept], most_bytes: int) -> Kept:
        """Return the value of the key, made by this call or by another.

        After it has made a value, the cache keeps at most `most_bytes`. Raises the errors of `make`.
        """
        mine: Future[Kept] = Future()
        with self._lock:
            found = self._values.setdefault(key, mine)
            self._values.move_to_end(key)
        if found is not mine:
            return found.result()
        try:
            mine.set_result(make())
        except BaseException as error:
            mine.set_exception(error)
            with self._lock:
                self._values.pop(key, None)
            raise
        self._shrink(most_bytes)
        return mine.result()

    @property
    def size(self) -> int:
        """The size in bytes of the values that are complete."""
        with self._lock:
            return self._made()

    def clear(self) -> None:
        self._shrink(0)

    def _shrink(self, most_bytes: int) -> None:
        with self._lock:
            while self._made() > most_bytes:
                oldest = next(key for key, value in self._values.items() if value.done())
                del self._values[oldest]

    def _made(self) -> int:
        return sum(
            value.result().size for value in self._values.values() if value.done() and not value.exception()
        )
