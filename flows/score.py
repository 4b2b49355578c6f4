"""The nightly flow: score one model for one date. What a night is stands in nightjar/usecases/night.py; here each step becomes a task."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import wait
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows.circuit import WATCHED
from flows.night import RETRIED, fails_nothing, failures_told, model_and_date, night_name, platform, show_drift, show_night, tell_backfill
from nightjar.core.entities import NightSummary, Part, Receipt
from nightjar.core.night import as_of, night_of
from nightjar.core.spec import ModelSpec
from nightjar.settings import Settings
from nightjar.usecases.backfill import BackfillSummary, PartsOf, missed_nights

THREADS: Any = ThreadPoolTaskRunner(max_workers=Settings().threads)
"""Any: Prefect declares its task runners in a way that no checker lets its own pass."""


@flow(name="score", flow_run_name=night_name, task_runner=THREADS, **WATCHED)
def score(
    model: str = "flight_delay",
    score_date: date | None = None,
    *,
    force: bool = False,
    accept: str | None = None,
    report: bool = True,
    catch_up: bool = True,
) -> None:
    """Score a night and publish it, after those that the schedule missed. Safe to run again at any time: a published night stays, a stored part is not done twice.

    Args:
        model: Name of a folder in models/.
        score_date: The local date to score. Empty: the date that the scheduled start stands for, also in a late or retried run.
        force: Publish a new revision though the night is published.
        accept: Why to publish the night though features are stale or its audit finds it odd; the ledger keeps that, and what was found.
        report: Draw the drift report afterwards.
        catch_up: Without a score date, score missed nights of the model's last catch_up_days first. If one fails, so does this run, at its end.

    """
    with failures_told(model):
        spec, day = model_and_date(model, score_date)
        ready(model, day)
        earlier = catch_up_missed(spec) if catch_up and score_date is None else BackfillSummary()
        night = score_night(spec, day, force=force, accept=accept)
        with fails_nothing(f"showing {model} {night.score_date}"):
            show_night(night)
        with fails_nothing(f"watching {model} {night.score_date} for drift"):
            watch(model, night, draw=report)
        for missed in earlier.published_now:
            with fails_nothing(f"watching {model} {missed.score_date} for drift"):
                watch(model, missed, draw=False)
        earlier.raise_failure()


def catch_up_missed(spec: ModelSpec) -> BackfillSummary:
    """Score the nights that the schedule missed, oldest first. What fails is told, and not raised."""
    nights = missed_nights(platform().store, spec, flow_run.scheduled_start_time)
    if not nights:
        return BackfillSummary()
    get_run_logger().warning("the schedule missed %s: scoring them first", ", ".join(str(night.score_date) for night in nights))
    summary = platform().backfill(spec, flow_run=str(flow_run.id), parts_of=parts_as_tasks(spec.name)).run(nights)
    tell_backfill(spec.name, summary)
    return summary


def score_night(spec: ModelSpec, day: date, *, force: bool, accept: str | None) -> NightSummary:
    return (
        platform()
        .score_night(spec)
        .run(
            night_of(spec, day),
            force=force,
            accept=accept,
            wait_s=platform().settings.night_wait_s,
            flow_run=str(flow_run.id),
            each_part=parts_as_tasks(spec.name)(day),
        )
    )


@task(name="features", task_run_name="features {model} {score_date}", cache_policy=NO_CACHE, persist_result=False, **RETRIED)
def ready(model: str, score_date: date) -> None:
    """Land and build what is missing of the features that the night may know."""
    spec, day = model_and_date(model, score_date)
    platform().ready(spec, as_of(spec, day))


def parts_as_tasks(model: str) -> PartsOf:
    return lambda score_date: partial(as_tasks, model, score_date)


def as_tasks(model: str, score_date: date, score_one: Callable[[Part], Receipt], parts: Sequence[Part]) -> list[Receipt]:
    """Each part as a task on threads: all are tried, then the first failure is raised."""
    futures = [score_part.submit(model, score_date, part.number, partial(score_one, part)) for part in parts]
    wait(futures)
    return [future.result() for future in futures]


@task(name="part", task_run_name="part {number} {model} {score_date}", cache_policy=NO_CACHE, persist_result=False, **RETRIED)
def score_part(model: str, score_date: date, number: int, work: Callable[[], Receipt]) -> Receipt:  # noqa: ARG001  # they name the task run
    receipt = work()
    get_run_logger().info("part %d stored: %d scored, %d quarantined", number, receipt.scored, receipt.quarantined)
    return receipt


def watch(model: str, night: NightSummary, *, draw: bool) -> None:
    """Drift rows and the report, unless an earlier attempt left them."""
    if night.already_published and platform().drift_ledger.reports(platform().store.run(night.run_id)):
        return
    drift.submit(model, night.score_date, night.run_id, draw=draw).result()


@task(name="drift", task_run_name="drift {model} {score_date}", cache_policy=NO_CACHE, persist_result=False, **RETRIED)
def drift(model: str, score_date: date, run_id: int, *, draw: bool) -> None:  # the date names the task run
    spec, _ = model_and_date(model, score_date)
    watcher = platform().watch_night(spec)
    run = platform().store.run(run_id)
    if draw:
        uri, columns = watcher.report(run)
        show_drift(run, columns, platform().artifacts.local_path(uri) or uri)
    else:
        show_drift(run, watcher.drift(run), None)
