"""What claiming a night means: it is published, its unfinished run goes on, or a new revision begins."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from nightjar.core.errors.night import NotPublished
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.entities import Version
from nightjar.core.night.entities import Night, Publication, Run, RunState

UNFINISHED = frozenset({RunState.CLAIMED, RunState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller wants of a night; without anything, that it gets published if it is not.

    force: a whole new revision even if one is published. afresh: if none is published, a whole new revision
    instead of the unfinished one.
    repairs: the published run of which a new revision is to score again only what later knowledge touches;
    where analysts see another by now, nothing is done. known_at: corrections recorded up to this instant
    (UTC) count; None: those that the published run knew, or those that were known at the night's as-of.
    flow_run: who asks; a flow run that is retried goes on with the revision it began.
    """

    force: bool = False
    afresh: bool = False
    repairs: int | None = None
    known_at: datetime | None = None
    flow_run: str | None = None


PUBLISHED = Request()
"""All that the schedule wants: the night, published."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The run that the holder of the night's lock works on.

    With a publication, there is nothing left to do.
    """

    run: Run
    publication: Publication | None = None


class Step(StrEnum):
    PUBLISHED = "published"
    RESUME = "resume"
    NEW = "new"


def next_step(newest: Run | None, published: Run | None, request: Request, *, same_flow_run: bool) -> Step:
    """What to do with a night whose newest revision is `newest`, and of which analysts see `published`.

    same_flow_run: whether the newest revision was claimed last by the very flow run that asks. A flow run
    that began a revision and is retried goes on with it; otherwise every retry would begin another one.
    Whoever wants a repair of another run than analysts see has looked at the night before somebody else
    changed it, and has to look again.
    """
    another = request.force or request.repairs is not None
    if published is not None and request.repairs not in (None, published.id):
        return Step.PUBLISHED
    if newest is None or (another and not same_flow_run):
        return Step.NEW
    if published is not None and (not another or newest.state is RunState.PUBLISHED):
        return Step.PUBLISHED
    return (
        Step.RESUME
        if newest.state in UNFINISHED and _is_wanted(newest, request, same_flow_run=same_flow_run)
        else Step.NEW
    )


def _is_wanted(unfinished: Run, request: Request, *, same_flow_run: bool) -> bool:
    """Whether going on with the run gives what is asked for."""
    knows_enough = same_flow_run or (not request.afresh and request.known_at in (None, unfinished.known_at))
    return knows_enough and unfinished.base_id == request.repairs


def new_revision(
    night: Night,
    newest: Run | None,
    published: Run | None,
    champion: Version,
    challenger: Version | None,
    request: Request,
) -> dict[str, Any]:
    """What a new run begins with, by field of `Run`, without its identity and state.

    A repair keeps the versions of the run it repairs, since one night's scores come from one champion, and
    knows at least as much. Raises BadSettings for a repair of a night that is not published, and for
    knowledge older than the night's own.
    """
    base = None if request.repairs is None else published
    if request.repairs is not None and base is None:
        raise NotPublished(night.model, night.score_date)
    floor = night.as_of if published is None else published.known_at
    known_at = max(request.known_at or floor, floor) if base else request.known_at or floor
    if known_at < night.as_of:
        raise BadSettings(
            f"{night.model} {night.score_date} cannot forget: {known_at:%Y-%m-%d %H:%M} UTC is before what "
            "it knows already",
            f"Name an instant from {night.as_of:%Y-%m-%d %H:%M} UTC on.",
        )
    return {
        **night.model_dump(),
        "known_at": known_at,
        "base_id": None if base is None else base.id,
        "revision": 1 if newest is None else newest.revision + 1,
        "version_id": champion.id if base is None else base.version_id,
        "challenger_id": (None if challenger is None else challenger.id)
        if base is None
        else base.challenger_id,
    }
