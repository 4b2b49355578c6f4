"""The circuit breaker acts at the end of a failed run.

After a number of failures in a row it pauses the deployment, and a person is notified.
"""

from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.events import emit_event
from prefect.flows import Flow
from prefect.logging.loggers import flow_run_logger

from flows.dead_tasks import end_dead_tasks
from flows.showing import slug, with_runbook
from nightjar.core.platform.circuit import OPENED, opens
from nightjar.core.platform.healing import Past, may_be_retried
from nightjar.server.deployments import ends
from nightjar.wiring.settings import Settings

RUNBOOK = "runbooks/circuit-open.md"


def break_circuit(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Pause the deployment if its circuit opens; this is a Prefect hook for failed and crashed runs.

    Prefect logs errors of the hook, and the run's state does not change. After a crash the worker calls the
    hook. The hook then names the runbook, because the dead run could not. A run that the server retries does
    not count yet.
    """
    if state.is_crashed():
        flow_run_logger(flow_run, flow).error("The process of this run died. Runbook: runbooks/stuck-run.md")
    limit = Settings().circuit_failures
    with get_client(sync_client=True) as client:
        if flow_run.deployment_id is None or (
            state.is_crashed() and may_be_retried(past(client, flow_run.id))
        ):
            return
        deployment = client.read_deployment(flow_run.deployment_id)
        if deployment.paused or not opens(ends(client, deployment.id, limit), limit):
            return
        client.pause_deployment(deployment.id)
        name = deployment.name
        text = (
            f"The last {limit} runs of {name} came to nothing. Its schedule is paused until someone resumes "
            f"it. Runbook: {RUNBOOK}"
        )
        flow_run_logger(flow_run, flow).error(text)
        emit_event(
            OPENED,
            {"prefect.resource.id": f"prefect.deployment.{deployment.id}", "prefect.resource.name": name},
            payload={"text": text},
        )
        client.create_artifact(
            ArtifactCreate(
                key=slug(f"circuit-{deployment.name}"),
                type="markdown",
                description=f"What to do: {RUNBOOK}",
                data=with_runbook(client, text, "circuit-open"),
                flow_run_id=flow_run.id,
            )
        )


def past(client: SyncPrefectClient, run: UUID) -> list[Past]:
    """Return the states that a run was in, oldest first."""
    states = sorted(client.read_flow_run_states(run), key=lambda state: state.timestamp)
    return [Past(state.type.value, state.message or "") for state in states]


WATCHED: dict[str, Any] = {
    "persist_result": False,
    "on_running": [end_dead_tasks],
    "on_failure": [break_circuit],
    "on_crashed": [end_dead_tasks, break_circuit],
    "on_cancellation": [end_dead_tasks],
}
"""All flows are decorated with these options.

Receipts record the finished work, so no result is kept. The hooks count failures and end dead task runs.
"""
