"""If an attempt's process died, its task runs would stay `Running` for ever.

The process is gone and cannot report their end. So the next process sets their final state.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow
from prefect.logging.loggers import flow_run_logger
from prefect.states import Crashed

LIMIT = 100
"""Task runs are read this many at a time. No attempt has more of them under way."""

UNENDED = ("PENDING", "RUNNING")
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
SAYS = (
    "The process of this attempt has ended without saying how. What it did not store, a later attempt does."
)


def end_dead_tasks(
    flow: Flow[Any, Any],
    flow_run: FlowRun,
    state: State[Any],  # noqa: ARG001  # a worker calls hooks by these three names
) -> None:
    """End dead task runs; this is a Prefect hook for runs that start, restart, crashed or were cancelled.

    At these moments no task of the run is running. If a run ended while there was no worker, the next run of
    its deployment ends its tasks. Errors of the hook are only logged.
    """
    try:
        with get_client(sync_client=True) as client:
            dead = unended(client, {"id": {"any_": [str(flow_run.id)]}})
            if flow_run.deployment_id is not None:
                ended = {
                    "deployment_id": {"any_": [str(flow_run.deployment_id)]},
                    "state": {"type": {"any_": ENDED}},
                }
                dead = {*dead, *unended(client, ended)}
            for task_run in dead:
                client.set_task_run_state(task_run, Crashed(message=SAYS), force=True)
    except Exception as error:  # noqa: BLE001  # the hook only informs people
        flow_run_logger(flow_run, flow).warning(
            "task runs of dead attempts are still shown as running: %s", error
        )


def unended(client: SyncPrefectClient, of_runs: dict[str, Any]) -> Sequence[UUID]:
    """Return the task runs of the given flow runs that have not ended."""
    found = client.read_task_runs(
        flow_run_filter=FlowRunFilter.model_validate(of_runs),
        task_run_filter=TaskRunFilter.model_validate({"state": {"type": {"any_": UNENDED}}}),
        limit=LIMIT,
    )
    return [task_run.id for task_run in found]
