"""An outage of the watcher itself, as while Postgres is gone: it is told from memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from nightjar.core.telling.messages import Message, outage, outage_over
from nightjar.usecases.telling.incidents import Channel

TOLD_AFTER = timedelta(minutes=1)
"""A server that is started again takes less, and nobody has to know."""


@dataclass
class Outage:
    """ways: to people, by the names of their channels. ui: the address of the pages, for links.

    told: channels that know that it began, and not yet that it is over. Threads may share one.
    """

    ways: Callable[[], Mapping[str, Channel]]
    ui: str
    since: datetime | None = None
    told: set[str] = field(default_factory=set[str])
    _telling: Lock = field(default_factory=Lock, repr=False)

    def goes_on(self, now: datetime, error: str, runbook: str) -> None:
        """Tell each channel once, after a while. One that does not take it is tried again."""
        with self._telling:
            self.since = min(now, self.since or now)
            if now - self.since >= TOLD_AFTER:
                untold = self.ways().keys() - self.told
                self.told |= self._tell(untold, outage(self.since, error, runbook, self.ui))

    def is_over(self, now: datetime) -> None:
        with self._telling:
            self.since = None
            if self.told:
                self.told -= self._tell(self.told & self.ways().keys(), outage_over(now))

    def _tell(self, names: set[str], message: Message) -> set[str]:
        """Return the channels that took it."""
        ways = self.ways()
        return {name for name in sorted(names) if ways[name].tell(message) is None}
