"""The state of each night of a calendar, in one word."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from nightjar.core.desk.entities import NightSeen
from nightjar.core.night.plan import Stage, held_back


class State(StrEnum):
    PUBLISHED = "published"
    LATE = "late"
    ACCEPTED = "accepted"
    REPAIRED = "repaired"
    ROLLED_BACK = "rolled back"
    HELD_BACK = Stage.HELD_BACK.value
    FAILED = Stage.FAILED.value
    RUNNING = "running"
    MISSING = "missing"


MEANING: Mapping[State, str] = {
    State.PUBLISHED: "in time, as the schedule wants it",
    State.LATE: "published for the first time after the time that was promised",
    State.ACCEPTED: "published although the audit found something: a person accepted it",
    State.REPAIRED: "published again, with later corrections",
    State.ROLLED_BACK: "an earlier publication is shown again, or the scores of another version",
    State.HELD_BACK: "stored and not published: a person has to look at it",
    State.FAILED: "its last attempt ended with an error",
    State.RUNNING: "an attempt has claimed it and has not ended",
    State.MISSING: "the schedule wanted it, and nobody has begun it",
}


@dataclass(frozen=True, slots=True)
class Day:
    """night: None for a night that nobody has begun."""

    score_date: date
    state: State
    night: NightSeen | None = None

    @property
    def newer(self) -> State | None:
        """The state of a newer run that was to replace what analysts see. None: there is no such run."""
        if self.night is None or self.night.newer_state is None:
            return None
        return _unpublished(self.night.newer_state, self.night.newer_error)


def days(
    nights: Iterable[NightSeen], due: Iterable[date] = (), deadlines: Mapping[date, datetime] | None = None
) -> Iterator[Day]:
    """Yield each night that was seen or is due, oldest first.

    due: the dates that the schedule wanted. deadlines: date -> instant (aware) by which it was promised.
    """
    seen = {night.score_date: night for night in nights}
    for day in sorted({*seen, *due}):
        night = seen.get(day)
        yield Day(day, state_of(night, (deadlines or {}).get(day)), night)


def state_of(night: NightSeen | None, deadline: datetime | None) -> State:
    if night is None:
        return State.MISSING
    if night.action is None or night.first_published_at is None:
        return _unpublished(night.state, night.error)
    if night.action == "rollback":
        return State.ROLLED_BACK
    if night.repairs_run is not None:
        return State.ROLLED_BACK if night.switched else State.REPAIRED
    if night.findings:
        return State.ACCEPTED
    return State.LATE if deadline is not None and night.first_published_at > deadline else State.PUBLISHED


def _unpublished(state: str, error: str | None) -> State:
    if state == "claimed":
        return State.RUNNING
    # An abandoned run has no error.
    return State.HELD_BACK if held_back(error or "") else State.FAILED
