"""What was wrong, what is wrong, and who has still to be told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from nightjar.core.ports.telling import Dispatches
from nightjar.core.telling.incidents import Changes, Incident, Note, Severity
from nightjar.core.telling.messages import Cause, Message
from nightjar.core.telling.retrying import Pending


class IncidentLedger(Protocol):
    """Incidents from their beginnings to their ends. Append-only."""

    def opened(self) -> tuple[Incident, ...]:
        """Return the incidents that nothing has ended, oldest first."""
        ...

    def watched(self) -> bool:
        """Return True if a watcher looks at this moment. Else nothing new is noted."""
        ...

    def note(self, decide: Callable[[tuple[Incident, ...]], Changes]) -> Changes:
        """Store what is decided about the open incidents.

        Processes take turns, so that two watchers note a beginning once.
        """
        ...


class IncidentDispatches(Dispatches, Protocol):
    """Which channel has still to be told of which incident."""

    def incidents(self, channel: str, severities: Iterable[Severity]) -> Sequence[Pending[Note]]:
        """Return what the channel has not taken, oldest first.

        It is the newest cause of each open incident, with what was told before, and the ends of incidents of
        which it was told anything.
        """
        ...

    def told_causes(self, channel: str) -> Mapping[Cause, datetime]:
        """Return when the channel took a message of each cause last."""
        ...

    def untold(self, channels: Iterable[str]) -> Mapping[str, datetime]:
        """Return since when each of the channels takes nothing, of those that are tried and do not."""
        ...

    def told_incidents(self, channel: str, told: Sequence[Pending[Note]], error: str | None) -> None:
        """Record an attempt to tell these. error: why it did not arrive; None if it did."""
        ...


class Tell(Protocol):
    """A way to people."""

    def __call__(self, message: Message) -> str | None:
        """Send it. Return None if it was taken, or else why not, without a secret. Raises no error."""
        ...
