"""The order in which Prefect's server evaluates events, corrected for a restart of the server.

Prefect holds an event back until it has seen the event before it, for 15 minutes at most. It keeps in memory
which events it has seen. A restart would lose this. The crash of a run that began before the restart, and its
retry, would then wait for 15 minutes. So an event from before the restart counts as seen here.

PREFECT_SERVER_EVENTS_CAUSAL_ORDERING names this module, and the server makes one `CausalOrdering`. This is
the only way in which our code gets into the server. So this module also loads
`nightjar.server.missed_heartbeats` and `nightjar.server.ended`.
"""

import time
from uuid import UUID

from prefect.server.events import triggers
from prefect.server.events.ordering.memory import CausalOrdering as InMemory
from prefect.server.events.schemas.events import ReceivedEvent

from nightjar.server.ended import keep_ended
from nightjar.server.missed_heartbeats import watchful

STARTED_MS = time.time_ns() // 1_000_000

triggers.evaluate_proactive_triggers = watchful(triggers.evaluate_proactive_triggers)
keep_ended()


class CausalOrdering(InMemory):
    async def wait_for_leader(self, event: ReceivedEvent) -> None:
        if event.follows is None or not made_before(event.follows, STARTED_MS):
            await super().wait_for_leader(event)


def made_before(event_id: UUID, moment_ms: int) -> bool:
    """Return True if an event is older than a moment, in ms since 1970.

    A version 7 id begins with the ms in which it was made. Other ids hold no time.
    """
    return event_id.version == 7 and event_id.int >> 80 < moment_ms
