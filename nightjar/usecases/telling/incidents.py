"""Tell people what began and what ended, each once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from nightjar.core.ports.incidents import IncidentDispatches, Tell
from nightjar.core.telling.incidents import Severity
from nightjar.core.telling.messages import due_messages
from nightjar.usecases.telling.channels import tell_each

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Channel:
    """severities: those that it gets. tell: sends a message."""

    severities: frozenset[Severity]
    tell: Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class TellPeople:
    """channels: by their names. ui: the address of Prefect's pages and of the desk, for links."""

    dispatches: IncidentDispatches
    channels: Mapping[str, Channel]
    ui: str

    def __call__(self, now: datetime) -> None:
        """Send what is due. What does not arrive is sent again later."""
        tell_each(self.dispatches, self.channels, partial(self._tell, now))

    def _tell(self, now: datetime, name: str, channel: Channel) -> None:
        pending = self.dispatches.incidents(name, channel.severities)
        for message, told in due_messages(pending, self.dispatches.told_causes(name), now, self.ui):
            error = channel.tell(message)
            self.dispatches.told_incidents(name, told, error)
            log.info("people_told", channel=name, title=message.title, error=error)
            if error is not None:  # it may be down: nobody else waits for its next timeout
                return
