"""What channels were told, and what they have still to be told."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from nightjar.core.telling.publications import PublicationNews
from nightjar.core.telling.retrying import Pending


class Dispatches(Protocol):
    """The channels, and who tells them now."""

    def alone(self, channel: str) -> AbstractContextManager[bool]:
        """Hold the channel, so that no other process tells it the same. Yields False if another holds it.

        It ends with the process that held it.
        """
        ...

    def know(self, channel: str) -> None:
        """Begin to tell a new channel: of publications from now on. A known channel stays as it is."""
        ...


class PublicationDispatches(Dispatches, Protocol):
    """Which channel has still to be told of which publication."""

    def publications(self, channel: str, limit: int) -> Sequence[Pending[PublicationNews]]:
        """Return publications that the channel has not taken.

        Those that were never tried come first, the oldest first. Then those that were tried longest ago.
        """
        ...

    def told_publication(self, channel: str, pending: Pending[PublicationNews], error: str | None) -> None:
        """Record an attempt. error: why it did not arrive; None if it did."""
        ...


class Consumer(Protocol):
    """A program that is told of publications."""

    def __call__(self, news: PublicationNews) -> str | None:
        """Tell it. Return None if it took the message, or else why not.

        May be called more than once with the same news. The reason holds no secret. Raises no error.
        """
        ...
