"""Flow runs that came to nothing, as people see them beside the ledger.

The ledger knows only what claimed a run.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A flow run that failed or crashed. night: the score date that it was about, if it was about one.

    why: the message of its state.
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
    """Something on the Prefect server that keeps runs from starting, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What a Prefect server knows of a model. attempts: newest first.

    completed: the newest end of a run that went well, by flow.
    """

    pauses: tuple[Pause, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    completed: Mapping[str, datetime] = field(default_factory=dict[str, datetime])


def unhealed(
    status: ServerStatus, claimants: Collection[str], published_at: Mapping[date, datetime]
) -> tuple[Attempt, ...]:
    """The attempts that hold no run of the ledger and that nothing has made good since.

    claimants: flow runs that the ledger names. published_at: when each night was published last. What is
    about a night is made good by its publication, anything else by a later run of the same flow that went
    well.
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
    """How many attempts there are at each night."""
    return Counter(attempt.night for attempt in attempts if attempt.night is not None)
