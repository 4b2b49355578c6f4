"""The worker. It runs only the flows of this checkout, even if the server asks for others.

A client of the server can make deployments with code from elsewhere, and with steps that run first. It can
also change the work pool. Prefect's worker obeys all of this. This worker takes only two things from the
server: which of our flows to run, and its parameters.
"""

import warnings
from collections.abc import Collection
from copy import deepcopy
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.abc
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.runner._flow_run_executor import FlowRunExecutionResult, FlowRunExecutor, FlowRunExecutorContext
from prefect.runner._process_manager import ProcessHandle
from prefect.runner._starter_engine import EngineCommandStarter
from prefect.utilities.asyncutils import run_sync_in_worker_thread
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from nightjar.core.errors.platform import NotOurFlow
from nightjar.core.platform.deployments import FLOWS, entrypoint
from nightjar.server.pool import TEMPLATE, TYPE
from nightjar.wiring.settings import PROJECT

T = TypeVar("T")


def entrypoints() -> frozenset[str]:
    """Return the entrypoints of the flows of this checkout."""
    return frozenset(map(entrypoint, FLOWS))


def entrypoint_of(deployment: DeploymentResponse | None, ours: Collection[str]) -> str:
    """Return the entrypoint of the deployment's flow. Raises NotOurFlow if it is not in this checkout."""
    if deployment is None:
        raise NotOurFlow("it has no deployment")
    if deployment.entrypoint is None or deployment.entrypoint not in ours:
        raise NotOurFlow(f"{deployment.name} begins at {deployment.entrypoint!r}")
    if deployment.pull_steps or deployment.storage_document_id is not None:
        raise NotOurFlow(f"{deployment.name} brings its own code or steps")
    return deployment.entrypoint


class OwnConfiguration(ProcessJobConfiguration):
    """The configuration of a flow's process. It is always the same."""

    @classmethod
    async def from_template_and_values(
        cls,
        base_job_template: dict[str, Any],  # noqa: ARG003  # all three are ignored
        values: dict[str, Any],  # noqa: ARG003
        client: Any = None,  # noqa: ARG003
    ) -> "OwnConfiguration":
        return cls()


with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # it takes the place of Prefect's own worker, as it should

    class OurWorker(ProcessWorker):
        """Our worker. A run of a foreign deployment raises NotOurFlow, and so ends as `Crashed`."""

        type = TYPE
        job_configuration = OwnConfiguration

        @classmethod
        def get_default_base_job_template(cls) -> dict[str, Any]:
            """Return the template for a pool that has none."""
            return deepcopy(TEMPLATE)

        async def run(
            self,
            flow_run: FlowRun,
            configuration: ProcessJobConfiguration,
            task_status: anyio.abc.TaskStatus[int] | None = None,
        ) -> ProcessWorkerResult:
            known = flow_run.deployment_id
            deployment = await self.client.read_deployment(known) if known else None
            start = entrypoint_of(deployment, entrypoints())
            async with FlowRunExecutorContext() as context:
                starter = EngineCommandStarter(
                    entrypoint=start,  # the process imports it, and does not ask the server where it is
                    cwd=PROJECT,
                    env=configuration.env,
                    control_channel=context.control_channel,
                    isolate_process_group=True,
                )
                hooks = {"resolve_flow": partial(imported, start), "propose_submitting": False}
                executor = context.create_executor(flow_run, starter, **hooks)
                return await finished(executor, task_status or anyio.TASK_STATUS_IGNORED)


async def finished(executor: FlowRunExecutor, status: anyio.abc.TaskStatus[int]) -> ProcessWorkerResult:
    """Report the pid, and wait for the end of the process. Raises RuntimeError if none could be started."""
    ended: list[FlowRunExecutionResult | None] = []

    async def execute(*, task_status: anyio.abc.TaskStatus[ProcessHandle]) -> None:
        ended.append(await executor.submit(task_status=task_status))

    async with anyio.create_task_group() as group:
        handle: ProcessHandle = await group.start(execute)
        status.started(required(handle.pid))
    result = required(ended[0])
    return ProcessWorkerResult(status_code=required(result.status_code), identifier=str(result.handle.pid))


def required(value: T | None) -> T:
    if value is None:
        raise RuntimeError("The process of the flow run could not be started.")
    return value


async def imported(start: str, _: FlowRun) -> Flow[..., Any]:
    """Return the flow. Its hooks run in this process when its own process has died."""
    return await run_sync_in_worker_thread(load_flow_from_entrypoint, start, use_placeholder_flow=False)
