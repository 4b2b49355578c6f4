"""What claiming a night means: it is published, its unfinished run goes on, or a new revision begins."""

from dataclasses import dataclass
from enum import StrEnum

from nightjar.core.entities import Publication, Run, RunState

UNFINISHED = frozenset({RunState.CLAIMED, RunState.FAILED})


@dataclass(frozen=True, slots=True)
class Claimed:
    """The run that the holder of the night's lock works on; with a publication, there is nothing left to do."""

    run: Run
    publication: Publication | None = None


class Step(StrEnum):
    PUBLISHED = "published"
    RESUME = "resume"
    NEW = "new"


def next_step(newest: Run | None, *, published: bool, force: bool, same_flow_run: bool) -> Step:
    """What to do with a night whose newest revision is `newest`.

    same_flow_run: whether that revision was claimed last by the very flow run that asks. A forced flow run that is retried then goes on
    with the revision it began; otherwise every retry would start another one.
    """
    if newest is None:
        return Step.NEW
    if force and not same_flow_run:
        return Step.NEW
    if published and (not force or newest.state is RunState.PUBLISHED):
        return Step.PUBLISHED
    return Step.RESUME if newest.state in UNFINISHED else Step.NEW
