"""Flow runs that failed or crashed are shown to people beside the ledger.

The ledger knows only flow runs that claimed a run.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A flow run that failed or crashed.

    night: the flow run's score date, if it has one. why: the message of its state.
    """

    flow_run: str
    flow: str
    name: str
    ended_at: datetime
    state: str
    why: str
    night: date | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Something on the Prefect server that prevents runs from starting, and the reason."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What a Prefect server knows about a model.

    attempts: newest first. completed: by flow, the end of the newest run that succeeded.
    """

    pauses: tuple[Pause, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    completed: Mapping[str, datetime] = field(default_factory=dict[str, datetime])


def unhealed(
    status: ServerStatus, claimants: Collection[str], published_at: Mapping[date, datetime]
) -> tuple[Attempt, ...]:
    """Return the attempts that the ledger does not name and that no later success has made good.

    claimants: flow runs that the ledger names. published_at: when each night was published last. An attempt
    at a night is made good by a later publication of that night. Any other attempt is made good by a later
    run of the same flow that succeeded.
    """

    def made_good_at(attempt: Attempt) -> datetime | None:
        return (
            status.completed.get(attempt.flow) if attempt.night is None else published_at.get(attempt.night)
        )

    return tuple(
        attempt
        for attempt in status.attempts
        if attempt.flow_run not in claimants
        and not ((good := made_good_at(attempt)) is not None and good > attempt.ended_at)
    )


def by_night(attempts: Iterable[Attempt]) -> Counter[date]:
    """Return the number of attempts at each night."""
    return Counter(attempt.night for attempt in attempts if attempt.night is not None)
