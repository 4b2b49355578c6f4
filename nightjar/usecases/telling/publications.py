"""Tell every consumer of every publication at least once, the first time in the order of the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic

import structlog

from nightjar.core.ports.telling import Consumer, PublicationDispatches
from nightjar.usecases.telling.channels import tell_each

log = structlog.get_logger(__name__)

AT_ONCE = 100
"""Publications that a channel is told in one round, at most."""
TURN_S = 20.0
"""A channel is told no more of them after so many seconds: the watcher looks only between two rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TellConsumers:
    """consumers: by the name of their channel. clock: seconds, from any beginning."""

    dispatches: PublicationDispatches
    consumers: Mapping[str, Consumer]
    clock: Callable[[], float] = monotonic

    def __call__(self, now: datetime) -> None:
        """Tell what is due. What does not arrive is told again later, whichever process is alive then."""
        tell_each(self.dispatches, self.consumers, partial(self._tell, now))

    def _tell(self, now: datetime, channel: str, consumer: Consumer) -> None:
        ends = self.clock() + TURN_S
        for pending in self.dispatches.publications(channel, AT_ONCE):
            if pending.due(now) and self.clock() < ends:
                error = consumer(pending.news)
                self.dispatches.told_publication(channel, pending, error)
                _logged(channel, pending.news.publication_id, error)
                if error is not None:  # it may be down: nobody else waits for its next timeout
                    return


def _logged(channel: str, publication: int, error: str | None) -> None:
    if error is None:
        log.info("publication_told", channel=channel, publication=publication)
    else:
        log.warning("publication_not_taken", channel=channel, publication=publication, reason=error)
