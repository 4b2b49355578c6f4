"""What the flows share: which model and date a flow run is about, and what it leaves behind for people to see in the Prefect UI."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.tasks import exponential_backoff
from structlog.contextvars import bind_contextvars

import models
from flows.showing import show, slug, with_runbook
from flows.stopping import ends_as_told, go_on
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.machine import REFUSALS, may_pass, refused
from nightjar.core.errors.night import Stopped
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.entities import ColumnDrift, NightPerformance
from nightjar.core.night.clock import score_date_of, today_from
from nightjar.core.night.entities import NightSummary, Run
from nightjar.core.night.plan import Planned
from nightjar.showing import markdown
from nightjar.showing.console import (
    DRIFT_COLUMNS,
    LATE_COLUMNS,
    NIGHT_COLUMNS,
    PLAN_COLUMNS,
    REFUSAL_COLUMNS,
    cell,
    drift_row,
    late_row,
    night_row,
    performance_columns,
    performance_row,
    plan_row,
    refusal_row,
    training_columns,
    training_rows,
)
from nightjar.showing.remedies import advised, told, with_advice
from nightjar.usecases.data.landing import Tell, log_refusal
from nightjar.usecases.lifecycle.retrain import RetrainSummary
from nightjar.usecases.scoring.backfill import BackfillSummary
from nightjar.usecases.scoring.repair import LateNight
from nightjar.wiring import logs
from nightjar.wiring.platform import Platform


@cache
def platform() -> Platform:
    """One wiring a process: its connection pool and loaded models serve every task on its threads."""
    made = Platform(go_on=go_on, advised=advised)
    logs.configure(made.settings.log_format, made.settings.log_level)
    return made


def model_and_date(model: str, score_date: date | None) -> tuple[ModelSpec, date]:
    """The spec, and the date given or else the one that the scheduled start stands for."""
    spec = models.model(model)
    return spec, score_date or score_date_of(spec, flow_run.scheduled_start_time)


def model_and_today(model: str, today: date | None) -> tuple[ModelSpec, date]:
    """The spec, and the local day given or else that of the scheduled start.

    That is carried into the model's recorded year if it replays one. Raises BadSettings for a day that has not come yet.
    """
    spec = models.model(model)
    return spec, today_from(spec, today, flow_run.scheduled_start_time)


def night_name() -> str:
    """Name of a scoring run: model and score date."""
    return named(flow_run.parameters, model_and_date, "score_date")


def day_name() -> str:
    """Name of a run about one day: model and that day."""
    return named(flow_run.parameters, model_and_today, "today")


def named(given: Mapping[str, Any], resolve: Callable[[str, date | None], tuple[ModelSpec, date]], field: str) -> str:
    """Model and date. Both are bound to the log from here on: this process carries out one flow run."""
    model = given.get("model", "flight_delay")
    bind_contextvars(model=model)
    try:
        day = resolve(model, as_date(given.get(field)))[1]
    except NightjarError:
        return f"{model} ?"
    bind_contextvars(**{field: str(day)})
    return f"{model} {day}"


def as_date(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def is_retryable(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Whether a failed task may be tried again."""
    return may_pass(state.result(raise_on_failure=False))


RETRIED: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(2),  # 2, 4 and 8 s, each with up to as much again
    "retry_jitter_factor": 1,
    "retry_condition_fn": is_retryable,
}
"""What all tasks are decorated with."""


def as_task(name: str, run: Run, work: Callable[[], None]) -> None:
    """A step of what follows a publication, as a task. Raises what the work raises."""
    follow_up.submit(name, run.model, run.score_date, work).result()


@task(name="follow-up", task_run_name="{step} {model} {score_date}", cache_policy=NO_CACHE, persist_result=False, **RETRIED)
@with_advice()
def follow_up(step: str, model: str, score_date: date, work: Callable[[], None]) -> None:  # noqa: ARG001  # they name the task run
    work()


@contextmanager
def fails_nothing(what: str) -> Iterator[None]:
    """For what tells people of a run: whatever goes wrong in it is logged, and the run ends as it would have. Raises Stopped."""
    try:
        yield
    except Stopped:
        raise
    except Exception:  # noqa: BLE001  # it is logged with its traceback, and a person looks at it by day
        get_run_logger().exception("%s failed; what is published stays published. Runbook: runbooks/report-failed.md", what)


@contextmanager
def failures_told(model: str) -> Iterator[None]:
    """Whatever ends the flow leaves its runbook as an artifact, beside the failed run in the UI. A run that was stopped has not failed.

    The model is bound to the log from here on.
    """
    bind_contextvars(model=model)
    try:
        with ends_as_told():
            yield
    except REFUSALS as error:
        tell(model, meant := advised(refused(error)))
        raise meant from error
    except Exception as error:
        tell(model, advised(error))
        raise  # Prefect shows its text, as the state of the run


def land(spec: ModelSpec, until: datetime) -> None:
    """Land what was delivered by an instant."""
    with refusals_told(spec.name) as tell_refusal:
        platform().prepare(spec).land(until, tell=tell_refusal)


def make_ready(spec: ModelSpec, until: datetime) -> None:
    """Land what was delivered by an instant and build the features of it."""
    with refusals_told(spec.name) as tell_refusal:
        platform().prepare(spec).ready(until, tell=tell_refusal)


@contextmanager
def refusals_told(model: str) -> Iterator[Tell]:
    """What is to be called with each delivery that is set aside: it is logged at once, and all are left as an artifact."""
    refusals: list[Refusal] = []

    def tell_refusal(refusal: Refusal) -> None:
        refusals.append(refusal)
        log_refusal(refusal)

    try:
        yield tell_refusal
    finally:
        if refusals:
            with fails_nothing("showing what was set aside"):
                show_refusals(model, refusals)


def show_refusals(model: str, refusals: Sequence[Refusal]) -> None:
    """What is wrong with each delivery that was set aside now."""
    show(
        f"deliveries-{model}",
        f"{model}: {len(refusals)} bad deliveries were set aside. What landed before is used in their place, and only a night that needs them "
        "and has nothing else fails. `nightjar deliveries list` shows all that are. What to do: runbooks/bad-delivery.md",
        REFUSAL_COLUMNS,
        [refusal_row(refusal) for refusal in refusals],
    )


def tell(model: str, error: Exception) -> None:
    """Leave the error and its runbook. The error is what the run ends with: that it could not be told must not replace it."""
    runbook = error.runbook if isinstance(error, NightjarError) else NightjarError.runbook
    says = str(error) if isinstance(error, NightjarError) else f"{error} Runbook: runbooks/{runbook}.md"
    get_run_logger().error("%s: %s", type(error).__name__, says)
    with fails_nothing("showing the runbook"), get_client(sync_client=True) as client:
        text = with_runbook(client, f"**{type(error).__name__}**: {markdown.literal(str(error))}", runbook)
        create_markdown_artifact(key=f"failure-{slug(model)}", description=f"What to do: runbooks/{runbook}.md", markdown=text)


def show_night(night: NightSummary) -> None:
    """The night's summary as a table."""
    show(
        f"night-{night.model}",
        f"{night.model} {night.score_date}: run {night.run_id}, as of {night.as_of:%Y-%m-%d %H:%M} UTC, version {night.version_number}. "
        "Analysts read it in `analytics.scores`; `nightjar status` shows it in a terminal.",
        ("what", "value"),
        [(name, cell(value)) for name, value in zip(NIGHT_COLUMNS, night_row(night), strict=True)],
        notes=[f"published without its {lack}" for lack in night.lacks],
    )


def show_drift(run: Run, columns: Sequence[ColumnDrift], report: Path | str | None) -> None:
    """Each column's verdict as a table, those that drifted first, and where the report is."""
    drifted = [column for column in columns if column.drifted]
    verdict = f"{len(drifted)} of {len(columns)} columns drifted" if drifted else "no column drifted"
    show(
        f"drift-{run.model}",
        f"{run.model} {run.score_date} against the training sample: {verdict}. " + report_told(report),
        DRIFT_COLUMNS,
        [drift_row(column) for column in sorted(columns, key=lambda column: not column.drifted)],
    )
    if isinstance(report, str) and report.startswith(("http://", "https://")):
        create_link_artifact(key=f"drift-report-{slug(run.model)}", link=report, link_text=f"Drift report {run.model} {run.score_date}")


def report_told(report: Path | str | None) -> str:
    """A browser opens no file from a served page, so a path is told and not linked to."""
    return "No report was drawn." if report is None else f"The report to open: `{report}`"


def show_version(summary: RetrainSummary) -> None:
    """The version, its metrics beside the baseline's, and what became of it."""
    version = summary.version
    show(
        f"version-{version.model}",
        f"{version.model} version {version.number}: {summary.decision}",
        training_columns(version),
        training_rows(version),
        notes=[f"{gate.name} {'passed' if gate.passed else 'FAILED'}: {gate.reason}" for gate in version.gates],
    )


def show_performance(spec: ModelSpec, nights: Sequence[NightPerformance]) -> None:
    """One row a night."""
    says = f"{spec.name}: {len(nights)} published nights measured against what really happened"
    rows = [performance_row(spec.kind, night) for night in nights]
    show(f"performance-{spec.name}", says, performance_columns(spec.kind), rows)


def show_plan(model: str, nights: Sequence[Planned]) -> None:
    """What a backfill would do with each night, in its order."""
    says = f"{model}: {sum(night.wanted for night in nights)} of {len(nights)} nights would be scored"
    show(f"backfill-{model}", says, PLAN_COLUMNS, [plan_row(night) for night in nights])


def show_late(model: str, nights: Sequence[LateNight]) -> None:
    """The published nights that late data touches, with what came late."""
    says = f"{model}: late data touches {len(nights)} published nights"
    show(f"late-{model}", says, LATE_COLUMNS, [late_row(night) for night in nights])


def tell_backfill(model: str, summary: BackfillSummary) -> None:
    """Log each failure, and show what became of all."""
    for failed in summary.failed:
        get_run_logger().error("%s: %s", failed.score_date, told(failed.error), exc_info=failed.error)
    with fails_nothing(f"showing what became of {model}'s nights"):
        show_backfill(model, summary)


def show_backfill(model: str, summary: BackfillSummary) -> None:
    """Why each failed night failed, and one row a night that is published."""
    failed = [f"{night.score_date}: {told(night.error)}" for night in (*summary.failed, *summary.stopped)]
    lacking = [f"{night.score_date}: published without its {lack}" for night in summary.nights for lack in night.lacks]
    show(f"backfill-{model}", f"{model}: {summary}", NIGHT_COLUMNS, [night_row(night) for night in summary.nights], notes=failed + lacking)
