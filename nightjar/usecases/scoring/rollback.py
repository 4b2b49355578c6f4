"""Show analysts an earlier publication of a night again."""

from dataclasses import dataclass
from datetime import date

import structlog

from nightjar.core.errors.night import ReasonMissing
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.entities import Publication, RunState
from nightjar.core.ports.following import Follow, nothing_follows
from nightjar.core.ports.nights import NightStore

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The publication that analysts see now. lacks: the steps after a publication that failed."""

    publication: Publication
    lacks: tuple[str, ...]


def roll_back(
    store: NightStore,
    model: str,
    score_date: date,
    run_id: int,
    reason: str,
    *,
    follow: Follow = nothing_follows,
) -> RolledBack:
    """Point the ledger to an earlier run of the night. If analysts see that run now, nothing changes.

    Raises BadSettings with the list of runs.
    """
    if not reason.strip():
        raise ReasonMissing
    of_night = {run.id: run for run in store.runs_of(model, score_date)}
    published = [run.id for run in of_night.values() if run.state is RunState.PUBLISHED]
    if run_id not in published:
        what = (
            f"was never published: it is {of_night[run_id].state}"
            if run_id in of_night
            else "is none of that night"
        )
        remedy = (
            f"Name one of {', '.join(map(str, sorted(published)))}." if published else "None of its runs was."
        )
        raise BadSettings(f"Run {run_id} of {model} {score_date} {what}", remedy)
    publication = store.roll_back(of_night[run_id], reason)
    log.info("night_rolled_back", model=model, score_date=str(score_date), run=run_id, reason=reason)
    return RolledBack(publication, follow(of_night[run_id]))
