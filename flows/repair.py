"""The repair flow scores wrong published nights again where this changes them."""

from datetime import date, datetime

from prefect import flow
from prefect.runtime import flow_run
from pydantic import AwareDatetime

import models
from flows.about import ModelName, platform
from flows.circuit import WATCHED
from flows.failures import failures_told
from flows.parts import THREADS, parts
from flows.tables import show_late, show_plan, tell_backfill
from flows.tasks import as_task
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.plan import Planned, require_order
from nightjar.core.night.repair import Cause
from nightjar.usecases.scoring.repair import late_nights, nights_aside


@flow(name="repair", flow_run_name="{model} {cause}", task_runner=THREADS, **WATCHED)
def repair(
    model: ModelName,
    cause: Cause = Cause.LATE,
    first: date | None = None,
    last: date | None = None,
    *,
    known_at: AwareDatetime | None = None,
    accept: str | None = None,
    dry_run: bool = False,
) -> None:
    """Mend published nights by what is known now.

    Rows whose inputs changed, or that were set aside, are scored again. The others keep their scores.

    Args:
        model: Name of a folder in models/.
        cause: late: corrections that came after the night. quarantine: rows set aside, where the data or the
            contract is mended.
        first: First local date to look at. Empty: the first there is.
        last: Last local date to look at. Empty: the last there is.
        known_at: Corrections recorded up to this instant count. Empty: up to now.
        accept: Why to publish a night though features are stale or its audit finds it odd; the ledger keeps
            that, and what was found.
        dry_run: Only list the nights.

    """
    with failures_told(model):
        spec, executor = models.model(model), parts()
        first, last = first or date.min, last or date.max
        require_order(first, last)
        known = platform().prepare(spec).corrected(known_at)
        nights = wanted(spec, cause, first, last, known)
        if dry_run or not nights:
            show_plan(model, nights)
            return
        use_case = platform().backfill(
            spec, flow_run=str(flow_run.id), executor=executor, step=as_task, known_at=known, accept=accept
        )
        summary = use_case.run(nights)
        tell_backfill(model, summary)
        summary.raise_failure()


def wanted(spec: ModelSpec, cause: Cause, first: date, last: date, known_at: datetime) -> tuple[Planned, ...]:
    """Return the nights to repair.

    For nights that late data touches, the run shows the entities and the late data.
    """
    if cause is Cause.QUARANTINE:
        return nights_aside(platform().store, spec.name, first, last)
    late = tuple(
        late_nights(platform().night_inputs(spec), platform().store, first, last, known_at, platform().go_on)
    )
    show_late(spec.name, late)
    return tuple(night.planned for night in late)
