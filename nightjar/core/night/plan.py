"""Which of many nights are to be scored, and in what order.

They are those that a person asks for, and those that the schedule missed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from nightjar.core.errors.base import Retryable
from nightjar.core.errors.night import Stopped
from nightjar.core.model.schedule import fires_on
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import local_date, score_date_on
from nightjar.core.night.entities import Run, RunState
from nightjar.core.night.reprocess import Order, Reprocess


class Stage(StrEnum):
    """How far a night has come."""

    NEVER = "never attempted"
    SCORING = "being scored now"
    UNFINISHED = "left unfinished"
    FAILED = "failed"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A night that was attempted: its newest revision and why that failed.

    Also whether analysts see any revision, and whether a process holds its lock.
    """

    run: Run
    error: str | None
    published: bool
    held: bool

    @property
    def stage(self) -> Stage:
        if self.published:
            return Stage.PUBLISHED
        if self.held:
            return Stage.SCORING
        return Stage.UNFINISHED if self.run.state is RunState.CLAIMED else Stage.FAILED

    @property
    def missed(self) -> bool:
        """Whether nobody has to look at it first: its process died, or what it met has passed by itself."""
        return self.stage is Stage.UNFINISHED or (self.stage is Stage.FAILED and passes(self.error or ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A night of a backfill.

    wanted: whether it is to be scored. force: as a new revision, though it is published. repair: where later
    knowledge or a mended contract makes a difference, and only there.
    """

    score_date: date
    stage: Stage = Stage.NEVER
    error: str | None = None
    wanted: bool = True
    force: bool = False
    repair: bool = False


def plan(
    dates: Iterable[date], standings: Mapping[date, Standing], reprocess: Reprocess, order: Order
) -> tuple[Planned, ...]:
    """Each date once, in the order in which it is to be scored, those that are not wanted included."""
    ordered = sorted(set(dates), reverse=order is Order.NEWEST)
    return tuple(planned(day, standings.get(day), reprocess) for day in ordered)


def planned(day: date, standing: Standing | None, reprocess: Reprocess) -> Planned:
    """A night that another process is scoring counts as unfinished.

    One waits for it, and then finds it published. Only what is published by now is forced: two that reprocess
    the same unpublished night give it one revision.
    """
    if standing is None:
        return Planned(score_date=day)
    published = standing.stage is Stage.PUBLISHED
    return Planned(
        score_date=day,
        stage=standing.stage,
        error=standing.error if standing.stage is Stage.FAILED else None,
        wanted=reprocess is Reprocess.ALL or (reprocess is Reprocess.FAILED and not published),
        force=reprocess is Reprocess.ALL and published,
    )


def due_before(spec: ModelSpec, scheduled_start: datetime) -> tuple[date, ...]:
    """The score dates of the schedule's starts before the one at `scheduled_start` (aware), oldest first.

    The starts are those of the `catch_up_days` before it. They are counted on the calendar of the schedule
    and then carried over like any other, so a model that replays a year has no nights due before its first of
    January.
    """
    today = local_date(spec, scheduled_start)
    days = (today - timedelta(days=back) for back in range(spec.catch_up_days, 0, -1))
    dates = (score_date_on(spec, day) for day in days if fires_on(spec.cron, day))
    return tuple(dict.fromkeys(day for day in dates if day < score_date_on(spec, today)))


def missed(
    due: Iterable[date], standings: Mapping[date, Standing], first_published: date | None
) -> tuple[Planned, ...]:
    """The due nights that nobody scored and no person has to look at, oldest first.

    A night before the first one ever published is not missed: the model was not in service. One that an audit
    or a contract held back waits for a person; one that is being scored now is in good hands.
    """
    if first_published is None:
        return ()
    return tuple(
        planned(day, standings.get(day), Reprocess.FAILED)
        for day in sorted(due)
        if day > first_published and (day not in standings or standings[day].missed)
    )


def passes(error: str) -> bool:
    """Whether a failed attempt may simply be made again.

    error: as it is kept with the run, the name of its type first.
    """
    return error.partition(":")[0] in {
        "OSError",
        Stopped.__name__,
        *(kind.__name__ for kind in kinds(Retryable)),
    }


def kinds(root: type[Retryable]) -> Iterator[type[Retryable]]:
    yield root
    for child in root.__subclasses__():
        yield from kinds(child)
