"""When a message that did not arrive is tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pending(Generic[T]):
    """What a channel has not taken yet. attempts: that failed. tried_at: the newest of them."""

    news: T
    attempts: int = 0
    tried_at: datetime | None = None

    def due(self, now: datetime) -> bool:
        return self.tried_at is None or not pauses(self.tried_at, now, pause(self.attempts))


def pauses(since: datetime, now: datetime, pause: timedelta) -> bool:
    """Return True within a pause that began at an instant.

    That instant may lie somewhat ahead, by the clock of another machine. One that lies far ahead was noted
    before a clock was set back, and holds up nothing.
    """
    return since - LONGEST_PAUSE <= now < since + pause


def pause(attempts: int) -> timedelta:
    """Return the pause after so many failed attempts: twice as long each time, up to an hour.

    It never ends: what is told at least once may not be given up.
    """
    return min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
