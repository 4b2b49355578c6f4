"""Tell people what began and what ended, each once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from nightjar.core.ports.incidents import IncidentDispatches, Tell
from nightjar.core.telling.incidents import Severity
from nightjar.core.telling.messages import due_messages

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Channel:
    """severities: those that it gets. tell: sends a message."""

    severities: frozenset[Severity]
    tell: Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class TellPeople:
    """channels: by their names."""

    dispatches: IncidentDispatches
    channels: Mapping[str, Channel]

    def __call__(self, now: datetime) -> None:
        """Send what is due. What does not arrive is sent again later."""
        for name, channel in self.channels.items():
            with self.dispatches.alone(name) as ours:
                if ours:
                    self._tell(name, channel, now)

    def _tell(self, name: str, channel: Channel, now: datetime) -> None:
        self.dispatches.know(name)
        pending = self.dispatches.incidents(name, channel.severities)
        for message, told in due_messages(pending, self.dispatches.told_causes(name), now):
            error = channel.tell(message)
            self.dispatches.told_incidents(name, told, error)
            log.info("people_told", channel=name, title=message.title, error=error)
