"""Reads from a Prefect server the facts about a model that `nightjar status` shows. Changes nothing.

These facts are runs without a result, and pauses that keep other runs from starting.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort

from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import score_date_of
from nightjar.core.platform.attempts import Attempt, Pause, ServerStatus
from nightjar.core.platform.circuit import opens
from nightjar.server.automations import TAG
from nightjar.server.deploy import connected_briefly
from nightjar.server.deployments import deployed, ends
from nightjar.server.paging import every
from nightjar.server.pool import POOL, known_pool
from nightjar.wiring.settings import Settings

LOOKS_BACK = timedelta(days=14)
AT_MOST = 200
"""The largest number of objects in one answer of the API."""

WAITS_S = 3.0
NIGHTLY = "score"
RAISED = "Flow run encountered an exception: "
"""The text that Prefect puts before an error."""


def server_status(settings: Settings, api: str, spec: ModelSpec) -> ServerStatus:
    """Raises BadSettings if the server refuses, StoreUnavailable if it is silent for a few seconds."""
    with connected_briefly(settings, api, WAITS_S) as client:
        deployments = [
            each for each in deployed(client).values() if each.parameters.get("model") == spec.name
        ]
        flows = {each.flow_id: client.read_flow(each.flow_id).name for each in deployments}
        failed = runs_of(client, spec, ["FAILED", "CRASHED"], datetime.now(UTC) - LOOKS_BACK)
        names = {run.flow_id: flows.get(run.flow_id) or client.read_flow(run.flow_id).name for run in failed}
        return ServerStatus(
            pauses=(*pauses_of(client, deployments, settings.circuit_failures), *pauses_of_pool(client)),
            attempts=tuple(attempt(run, names[run.flow_id], spec) for run in failed),
            completed=dict(newest_completed(client, deployments, flows)),
        )


def runs_of(
    client: SyncPrefectClient, spec: ModelSpec, states: Sequence[str], since: datetime
) -> list[FlowRun]:
    wanted = {
        "state": {"type": {"any_": states}},
        "tags": {"all_": [TAG, f"model:{spec.name}"]},
        "end_time": {"after_": since.isoformat()},
    }
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter.model_validate(wanted), sort=FlowRunSort.END_TIME_DESC, limit=AT_MOST
    )


def attempt(run: FlowRun, flow: str, spec: ModelSpec) -> Attempt:
    message = (run.state.message if run.state is not None else None) or "without a word"
    return Attempt(
        flow_run=str(run.id),
        flow=flow,
        name=run.name,
        ended_at=run.end_time or run.expected_start_time or datetime.now(UTC),
        state=run.state_name or "",
        why=message.removeprefix(RAISED),
        night=night_of(run, spec) if flow == NIGHTLY else None,
    )


def night_of(run: FlowRun, spec: ModelSpec) -> date | None:
    """Return the score date of a run of the nightly flow.

    It is the date among the run's parameters, or else the date that belongs to its scheduled start.
    """
    given = run.parameters.get("score_date")
    if given is not None:
        try:
            return date.fromisoformat(str(given))
        except ValueError:
            return None
    return None if run.expected_start_time is None else score_date_of(spec, run.expected_start_time)


def newest_completed(
    client: SyncPrefectClient, deployments: Iterable[DeploymentResponse], flows: Mapping[Any, str]
) -> Iterator[tuple[str, datetime]]:
    for each in deployments:
        wanted = {"state": {"type": {"any_": ["COMPLETED"]}}, "deployment_id": {"any_": [str(each.id)]}}
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate(wanted), sort=FlowRunSort.END_TIME_DESC, limit=1
        )
        yield from ((flows[each.flow_id], run.end_time) for run in runs if run.end_time is not None)


def pauses_of(
    client: SyncPrefectClient, deployments: Iterable[DeploymentResponse], limit: int
) -> Iterator[Pause]:
    for each in sorted(deployments, key=lambda each: each.name):
        if each.paused:
            failed = opens(ends(client, each.id, limit), limit)
            why = (
                f"its last {limit} runs came to nothing (runbooks/circuit-open.md)"
                if failed
                else "by a person"
            )
            yield Pause(each.name, f"{why}; `nightjar resume {each.name}` when that is mended")
        elif not all(schedule.active for schedule in each.schedules):
            yield Pause(
                f"schedule of {each.name}",
                f"switched off by a person; `nightjar resume {each.name}` switches it on",
            )


def pauses_of_pool(client: SyncPrefectClient) -> Iterator[Pause]:
    """The work pool and its queues: while one of them is paused, its runs are late."""
    pool = known_pool(client)
    if pool is None:
        return
    if pool.is_paused:
        yield Pause(
            f"work pool {POOL}", "by a person, or by `nightjar up` as it stops; runbooks/no-worker.md"
        )
    for queue in every(client.read_work_queues, work_pool_name=POOL):
        if queue.is_paused:
            resumes = f"nightjar prefect work-queue resume {queue.name} --pool {POOL}"
            yield Pause(f"work queue {queue.name}", f"by a person; `{resumes}`")
