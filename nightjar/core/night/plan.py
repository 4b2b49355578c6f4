"""The plan says which nights are scored, and in which order.

A person asks for these nights, or the schedule missed them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from nightjar.core.errors.base import Retryable
from nightjar.core.errors.night import AuditFailed, Stopped
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.entities import Run, RunState
from nightjar.core.night.reprocess import Order, Reprocess


class Stage(StrEnum):
    """The progress of a night."""

    NEVER = "never attempted"
    SCORING = "being scored now"
    UNFINISHED = "left unfinished"
    FAILED = "failed"
    HELD_BACK = "held back"
    """It is stored, and its audit did not let it be published. Only a person can say what follows."""
    PUBLISHED = "published"


NOT_PUBLISHED = frozenset({Stage.FAILED, Stage.HELD_BACK})
"""How an attempt ends that published nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state of an attempted night: its newest revision, and why that revision failed.

    It also says if analysts see any revision, and if a process holds the night's lock.
    flow_run: the flow run that claimed it last. claimed_at: when.
    """

    run: Run
    error: str | None
    published: bool
    held: bool
    flow_run: str | None = None
    claimed_at: datetime | None = None

    @property
    def stage(self) -> Stage:
        if self.published:
            return Stage.PUBLISHED
        if self.held:
            return Stage.SCORING
        if self.run.state is RunState.CLAIMED:
            return Stage.UNFINISHED
        return Stage.HELD_BACK if held_back(self.error or "") else Stage.FAILED

    @property
    def missed(self) -> bool:
        """True if it can be retried without a person: its process died, or the error was temporary."""
        return self.stage is Stage.UNFINISHED or (self.stage is Stage.FAILED and passes(self.error or ""))

    @property
    def waits(self) -> bool:
        """True if only a person can say what follows: it failed, and is not retried without one."""
        return self.stage in NOT_PUBLISHED and not self.missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A night of a backfill.

    wanted: True if it is to be scored. force: score it as a new revision, although it is published.
    repair: score only the rows that later knowledge or a corrected contract changes.
    """

    score_date: date
    stage: Stage = Stage.NEVER
    error: str | None = None
    wanted: bool = True
    force: bool = False
    repair: bool = False


def require_order(first: date, last: date) -> None:
    """Raises BadSettings if the last score date lies before the first."""
    if last < first:
        raise BadSettings(
            f"The last date, {last}, lies before the first, {first}", "Name the earlier date first."
        )


def plan(
    dates: Iterable[date], standings: Mapping[date, Standing], reprocess: Reprocess, order: Order
) -> tuple[Planned, ...]:
    """Return each date once, in the order of scoring. Nights that are not wanted are included."""
    ordered = sorted(set(dates), reverse=order is Order.NEWEST)
    return tuple(planned(day, standings.get(day), reprocess) for day in ordered)


def planned(day: date, standing: Standing | None, reprocess: Reprocess) -> Planned:
    """Plan one night. A night that another process is scoring counts as unfinished.

    The backfill waits for that process, and then finds the night published. Only a night that is published by
    now is forced. So two backfills of the same unpublished night give it one revision.
    """
    if standing is None:
        return Planned(score_date=day)
    published = standing.stage is Stage.PUBLISHED
    return Planned(
        score_date=day,
        stage=standing.stage,
        error=standing.error if standing.stage in NOT_PUBLISHED else None,
        wanted=reprocess is Reprocess.ALL or (reprocess is Reprocess.FAILED and not published),
        force=reprocess is Reprocess.ALL and published,
    )


def missed(
    due: Iterable[date], standings: Mapping[date, Standing], first_published: date | None
) -> tuple[Planned, ...]:
    """Return the due nights that are not scored and need no person, oldest first.

    A night before the first published night is not missed, because the model was not in service. A night that
    only a person can mend waits for one. A night that is being scored now is not missed.
    """
    if first_published is None:
        return ()
    return tuple(
        planned(day, standings.get(day), Reprocess.FAILED)
        for day in sorted(due)
        if day > first_published and (day not in standings or standings[day].missed)
    )


def held_back(error: str) -> bool:
    """Return True if a failed attempt stored the whole night, and its audit did not let it be published.

    error: the text stored with the run.
    """
    return _kind(error) == AuditFailed.__name__


def passes(error: str) -> bool:
    """Return True if a failed attempt may be repeated without a change.

    error: the text stored with the run. It begins with the name of the error's type.
    """
    return _kind(error) in {
        "OSError",
        Stopped.__name__,
        *(kind.__name__ for kind in kinds(Retryable)),
    }


def _kind(error: str) -> str:
    return error.partition(":")[0]


def kinds(root: type[Retryable]) -> Iterator[type[Retryable]]:
    yield root
    for child in root.__subclasses__():
        yield from kinds(child)
