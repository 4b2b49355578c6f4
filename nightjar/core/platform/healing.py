"""Whether a run whose process died is put back in the queue.

It is, once for each time that a schedule or a person started it, and not for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

RETRIED = "Retried by the server"
GIVEN_UP = "Not retried again"
"""How the messages of states begin that only the server of ours gives a run.

Its own retries are told from those of people by them.
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
    """Whether a crashed run is put back in the queue by the server. states: all it was in, oldest first."""
    return (
        not states[-1].given_up
        and retries_since_start(states) < RETRIES_A_START
        and retries_in_all(states) < RETRIES_IN_ALL
    )


def retries_in_all(states: Sequence[Past]) -> int:
    return sum(state.retried for state in states)


def retries_since_start(states: Sequence[Past]) -> int:
    """Retries by the server since the schedule or a person last put the run in the queue.

    Only a run that has ended or is paused is put there by a person. Prefect itself schedules a run again that
    is late or waits for a place.
    """
    retries = 0
    for before, now in pairwise(states):
        if now.retried:
            retries += 1
        elif now.kind == "SCHEDULED" and (before.kind in ENDED or before.kind == "PAUSED"):
            retries = 0
    return retries
