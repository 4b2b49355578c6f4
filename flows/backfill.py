"""The backfill flow scores many nights in one flow run.

A separate flow run for each night would cost a second or more per night.
"""

from datetime import UTC, date, datetime

from prefect import flow
from prefect.runtime import flow_run

import models
from flows.about import ModelName, platform
from flows.circuit import WATCHED
from flows.failures import failures_told
from flows.parts import THREADS, parts
from flows.preparing import ready
from flows.tables import show_plan, tell_backfill
from flows.tasks import as_task
from nightjar.core.night.clock import wanted_until
from nightjar.core.night.reprocess import Order, Reprocess
from nightjar.usecases.scoring.backfill import planned_nights
from nightjar.usecases.scoring.scorers import by_then, named_or


@flow(name="backfill", flow_run_name="{model} {first} to {last}", task_runner=THREADS, **WATCHED)
def backfill(
    model: ModelName,
    first: date,
    last: date,
    *,
    order: Order = Order.OLDEST,
    reprocess: Reprocess = Reprocess.FAILED,
    parallel: int = 1,
    version: int | None = None,
    reason: str | None = None,
    dry_run: bool = False,
) -> None:
    """Score the nights of a range: by default what is missing or failed.

    Fails at the end if a night failed; run it again for those alone.

    Args:
        model: Name of a folder in models/.
        first: First local date to score.
        last: Last local date to score.
        order: Which nights first.
        reprocess: Of nights attempted before, score none; those that failed or were left unfinished; or all,
            in a new revision.
        parallel: Nights at a time, up to NIGHTJAR_NIGHTS_AT_ONCE.
        version: Number of the version that scores. Empty: the champion that reigned on each night's evening.
        reason: Why that version; the ledger keeps it. A version that failed its gates needs one.
        dry_run: Only list what would be done.

    """
    with failures_told(model):
        spec = models.model(model)
        choose = named_or(version, reason, platform().require_gates(spec), by_then)
        use_case = platform().backfill(
            spec, parallel=parallel, flow_run=str(flow_run.id), executor=parts(), step=as_task, choose=choose
        )
        nights = planned_nights(platform().store, spec, first, last, reprocess, order)
        if dry_run:
            show_plan(model, nights)
            return
        if wanted := [night.score_date for night in nights if night.wanted]:
            platform().require_scorable(spec)(wanted, choose)
            ready(model, last, wanted_until(spec, last, datetime.now(UTC)))
        summary = use_case.run(nights)
        tell_backfill(model, summary)
        summary.raise_failure()
