"""A run whose process died is put back in the queue a limited number of times.

It is put back RETRIES_A_START times for each start by a schedule or a person, and RETRIES_IN_ALL times in
total.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

RETRIED = "Retried by the server"
GIVEN_UP = "Not retried again"
"""State messages that begin with RETRIED or GIVEN_UP are set by our server alone.

They distinguish the server's retries from those of people.
"""

RETRIES_A_START = 1
RETRIES_IN_ALL = 5

ENDED = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class Past:
    """A state that a run was in: its type, as Prefect names it, and its message."""

    kind: str
    message: str = ""

    @property
    def retried(self) -> bool:
        return self.kind == "SCHEDULED" and self.message.startswith(RETRIED)

    @property
    def given_up(self) -> bool:
        return self.message.startswith(GIVEN_UP)


def may_be_retried(states: Sequence[Past]) -> bool:
    """True if the server puts a crashed run back in the queue. states: all of the run's, oldest first."""
    return (
        not states[-1].given_up
        and retries_since_start(states) < RETRIES_A_START
        and retries_in_all(states) < RETRIES_IN_ALL
    )


def retries_in_all(states: Sequence[Past]) -> int:
    return sum(state.retried for state in states)


def retries_since_start(states: Sequence[Past]) -> int:
    """Count the server's retries since a schedule or a person last put the run in the queue.

    A person puts a run there only if it has ended or is paused. Prefect itself reschedules a run that is late
    or waits for a place.
    """
    retries = 0
    for before, now in pairwise(states):
        if now.retried:
            retries += 1
        elif now.kind == "SCHEDULED" and (before.kind in ENDED or before.kind == "PAUSED"):
            retries = 0
    return retries
