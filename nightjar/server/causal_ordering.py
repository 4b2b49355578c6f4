"""The order in which Prefect's server evaluates events, mended for what the server forgets when it restarts.

Prefect holds an event back until it has seen the one before it, for 15 minutes at most, and keeps in memory
what it has seen. After a restart it would hold back the crash of a run that began under its predecessor, and
with it the retry, for as long. What came before the restart was seen. Named by
PREFECT_SERVER_EVENTS_CAUSAL_ORDERING; the server makes one `CausalOrdering`. It is the one door by which code
of ours gets into the server, so `nightjar.server.missed_heartbeats` and `nightjar.server.ended` come in here
too.
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
    """Whether an event is older than a moment, in ms since 1970.

    A version 7 id begins with the ms in which it was made; others do not tell.
    """
    return event_id.version == 7 and event_id.int >> 80 < moment_ms
