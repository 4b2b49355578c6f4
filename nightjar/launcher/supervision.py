"""Keeps the parts of the platform alive: a part that has ended is started again.

nightjar.core.platform.supervision decides when.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.machine import refused
from nightjar.core.errors.platform import PlatformFailed
from nightjar.core.platform.supervision import POLICY, RestartPolicy
from nightjar.showing import console
from nightjar.showing.remedies import advised

LOOKS_EVERY_S = 0.5


class Life(Protocol):
    """One life of a supervised part, from its start to its end."""

    def ended(self) -> str | None:
        """Return how it ended, as the words after its name in a sentence; None while it lives."""
        ...

    def ready(self) -> bool:
        """Return True if other parts can use it."""
        ...

    def stop(self) -> None:
        """End it if it lives, and remove what is left of it."""
        ...


class Supervised:
    """A part of the platform, which is started again each time it ends.

    begin: starts a life. log: the file that says why it ended. needs: parts that must be ready before it is
    started again.
    """

    def __init__(
        self,
        name: str,
        begin: Callable[[], Life],
        *,
        log: Path,
        needs: Sequence["Supervised"] = (),
        policy: RestartPolicy = POLICY,
    ) -> None:
        self.name, self.log = name, log
        self.life: Life | None = None
        self._begin, self._needs, self._policy = begin, needs, policy
        self._lives_s: list[float] = []
        self._since = self._due = 0.0
        self._missed = False

    @property
    def ready(self) -> bool:
        return self.life is not None and self.life.ready()

    def start(self, now: float) -> None:
        """Start the first life. Raises the error that keeps it from starting."""
        self._since = now
        self.life = self._begin()

    def stop(self) -> None:
        if self.life is not None:
            self.life.stop()

    def tend(self, now: float) -> None:
        """Check the part, and start it again when its pause is over.

        Raises PlatformFailed when the part is given up.
        """
        if self.life is not None:
            self._look(self.life, now)
        elif now >= self._due and all(needed.ready for needed in self._needs):
            self._start_again(now)

    def _look(self, life: Life, now: float) -> None:
        how = life.ended()
        if how is not None:
            life.stop()
            self._bury(how, now)
        elif self._missed and life.ready():
            self._missed = False
            console.notice(f"{self.name} is back", process=self.name)

    def _start_again(self, now: float) -> None:
        try:
            self.start(now)
        except NightjarError as error:
            self._bury(f"could not start: {advised(error).words}", now)
        except OSError as error:
            self._bury(f"could not start: {advised(refused(error)).words}", now)

    def _bury(self, how: str, now: float) -> None:
        self._lives_s.append(now - self._since)
        self.life, self._missed = None, True
        pause = self._policy.pause_s(self._lives_s)
        if pause is None:
            raise PlatformFailed(
                self.name, f"{how}. It was started again {self._policy.restarts} times in a row", self.log
            )
        self._due = now + pause
        row = self._policy.ends_in_a_row(self._lives_s)
        text = f"{self.name} {how}; start {row} of {self._policy.restarts} follows in {pause:.0f} s"
        console.notice(text, level="warning", process=self.name, restart=row, pause_s=pause)


def until_ready(part: Supervised) -> None:
    """Wait until a first life is ready. Raises PlatformFailed if it ends before: it would end again."""
    while not part.ready:
        if part.life is not None and (how := part.life.ended()) is not None:
            raise PlatformFailed(part.name, how, part.log)
        time.sleep(LOOKS_EVERY_S)


def watch(parts: Iterable[Supervised]) -> None:
    """Tend all parts until KeyboardInterrupt. A part that others need comes before them.

    Raises PlatformFailed when a part is given up.
    """
    parts = tuple(parts)
    while True:
        for part in parts:
            part.tend(time.monotonic())
        time.sleep(LOOKS_EVERY_S)
