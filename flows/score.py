"""The nightly flow scores one model for one date.

nightjar/usecases/scoring/night.py defines the steps of a night. Here each step becomes a task.
"""

from datetime import UTC, date, datetime

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

import models
from flows import ahead
from flows.about import ModelName, model_and_date, night_name, platform
from flows.circuit import WATCHED
from flows.failures import fails_nothing, failures_told
from flows.parts import THREADS, parts
from flows.preparing import ready
from flows.stopping import go_on
from flows.tables import show_drift, show_night, tell_backfill
from flows.tasks import RETRIED, as_task
from nightjar.core.model.occasions import require_occasion
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of, night_of, wanted_until
from nightjar.core.night.entities import NightSummary
from nightjar.core.ports.execution import PartExecutor
from nightjar.showing.remedies import with_advice
from nightjar.usecases.scoring.backfill import BackfillSummary, missed_nights
from nightjar.usecases.scoring.scorers import Choose, by_date, by_now

AHEAD = ahead.begun()


@flow(name="score", flow_run_name=night_name, task_runner=THREADS, **WATCHED)
def score(
    model: ModelName,
    score_date: date | None = None,
    *,
    force: bool = False,
    accept: str | None = None,
    report: bool = True,
    catch_up: bool = True,
) -> None:
    """Score a night and publish it, after those that the schedule missed.

    Safe to run again at any time: a published night stays, a stored part is not done twice.

    Args:
        model: Name of a folder in models/.
        score_date: The local date to score. Empty: the date that the scheduled start stands for, also in a
            late or retried run. A date before the latest one is scored by the champion of its evening.
        force: Publish a new revision though the night is published.
        accept: Why to publish the night though features are stale or its audit finds it odd; the ledger keeps
            that, and what was found.
        report: Draw the drift report afterwards.
        catch_up: Without a score date, score missed nights of the model's last `catch_up` occasions first.
            If one fails, so does this run, at its end.

    """
    AHEAD.join()
    with failures_told(model):
        spec, day = model_and_date(model, score_date)
        require_occasion(spec, day)
        executor = parts()
        ready(
            model, day, as_of(spec, day) if score_date is None else wanted_until(spec, day, datetime.now(UTC))
        )
        earlier = catch_up_missed(spec, executor) if catch_up and score_date is None else BackfillSummary()
        choose = by_now if score_date is None else by_date(spec, datetime.now(UTC))
        night = score_night(spec, day, executor, force=force, accept=accept, choose=choose)
        with fails_nothing(f"showing {model} {night.score_date}"):
            show_night(night)
        with fails_nothing(f"showing the drift of {model} {night.score_date}"):
            watch(model, night, draw=report)
        for missed in earlier.published_now:
            with fails_nothing(f"showing the drift of {model} {missed.score_date}"):
                watch(model, missed, draw=False)
        earlier.raise_failure()


def catch_up_missed(spec: ModelSpec, executor: PartExecutor) -> BackfillSummary:
    """Score the nights that the schedule missed, oldest first. Failures are reported, not raised."""
    nights = missed_nights(platform().store, spec, flow_run.scheduled_start_time)
    if not nights:
        return BackfillSummary()
    get_run_logger().warning(
        "the schedule missed %s: scoring them first", ", ".join(str(night.score_date) for night in nights)
    )
    summary = (
        platform().backfill(spec, flow_run=str(flow_run.id), executor=executor, step=as_task).run(nights)
    )
    tell_backfill(spec.name, summary)
    return summary


def score_night(
    spec: ModelSpec, day: date, executor: PartExecutor, *, force: bool, accept: str | None, choose: Choose
) -> NightSummary:
    return (
        platform()
        .score_night(spec, as_task, executor)
        .run(
            night_of(spec, day),
            force=force,
            accept=accept,
            choose=choose,
            wait_s=platform().settings.night_wait_s,
            flow_run=str(flow_run.id),
        )
    )


def watch(model: str, night: NightSummary, *, draw: bool) -> None:
    """Store a night's drift rows, and draw its report on request unless an earlier attempt drew it.

    Raises Stopped.
    """
    go_on()
    run, ledger = platform().store.run(night.run_id), platform().drift_ledger
    drawn = ledger.reports(run, "drift")
    if draw and not drawn:
        drawn = (report.submit(model, night.score_date, night.run_id).result(),)
    if columns := ledger.drift(run):
        show_drift(run, columns, platform().artifacts.local_path(drawn[-1]) or drawn[-1] if drawn else None)


@task(
    name="report",
    task_run_name="report {model} {score_date}",
    cache_policy=NO_CACHE,
    persist_result=False,
    **RETRIED,
)
@with_advice()
def report(model: str, score_date: date, run_id: int) -> str:  # noqa: ARG001  # The date is not used here: it names the task run.
    """Draw the drift report and the card of the version; return where the first lies."""
    from nightjar.showing.reports import keep_reports  # noqa: PLC0415  # much, and few processes draw

    return keep_reports(platform(), models.model(model), platform().store.run(run_id))[0]
