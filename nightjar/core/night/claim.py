"""A claim finds a night published, resumes its unfinished run, or begins a new revision."""

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
    """A caller's request for a night. The default publishes the night if it is not published yet.

    force: a complete new revision, even if one is published. afresh: if none is published, a complete new
    revision instead of the unfinished one.
    repairs: a published run. A new revision of it scores only the rows that later knowledge changes. If
    analysts see another run by now, nothing is done. known_at: corrections recorded up to this instant (UTC)
    count. None: the instant of the published run, or the night's as-of.
    version_id: the version that a person named, or that a switch goes to. It serves every row: an unfinished
    run of another one, or of two, is not continued.
    share: of the entities that the challenger of a new run serves.
    switch: the new revision of the run that it repairs has the versions that come with the request.
    flow_run: the flow run that asks. If it is retried, it goes on with the revision that it began.
    """

    force: bool = False
    afresh: bool = False
    repairs: int | None = None
    known_at: datetime | None = None
    version_id: int | None = None
    share: float = 0
    switch: bool = False
    flow_run: str | None = None


PUBLISHED = Request()
"""The request of the schedule: publish the night."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The run that the holder of the night's lock works on.

    If it has a publication, there is nothing left to do.
    """

    run: Run
    publication: Publication | None = None


class Step(StrEnum):
    PUBLISHED = "published"
    RESUME = "resume"
    NEW = "new"


def next_step(newest: Run | None, published: Run | None, request: Request, *, same_flow_run: bool) -> Step:
    """Return the next step for a night with the newest revision `newest`. Analysts see `published`.

    same_flow_run: True if the flow run that asks was the last to claim the newest revision. A retried flow
    run goes on with the revision that it began. Otherwise every retry would begin another one.
    If a request repairs another run than analysts see, somebody changed the night after the caller read it.
    The caller has to read it again.
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
    """Return True if the request can be met by resuming the run."""
    knows_enough = same_flow_run or (not request.afresh and request.known_at in (None, unfinished.known_at))
    serves_all = (unfinished.version_id, unfinished.challenger_share) == (request.version_id, 0)
    by_another = request.version_id is not None and not serves_all
    return knows_enough and not by_another and unfinished.base_id == request.repairs


def new_revision(
    night: Night,
    newest: Run | None,
    published: Run | None,
    champion: Version,
    challenger: Version | None,
    request: Request,
) -> dict[str, Any]:
    """Return the first values of a new run, by field of `Run`, without its identity and state.

    A repair keeps the versions of the run it repairs, and the share of its challenger, so that each row stays
    with its version. A switch has others, and scores no row by what is known later. A repair's known_at is
    not earlier than that run's. Raises BadSettings for a repair of an unpublished night, and for
    a known_at earlier than the night's own.
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
    kept = None if request.switch else base
    return {
        **night.model_dump(),
        "known_at": known_at,
        "base_id": None if base is None else base.id,
        "revision": 1 if newest is None else newest.revision + 1,
        "version_id": champion.id if kept is None else kept.version_id,
        "challenger_id": (None if challenger is None else challenger.id)
        if kept is None
        else kept.challenger_id,
        "challenger_share": request.share if kept is None else kept.challenger_share,
    }
