"""Tasks of a process that died are shown as crashed as soon as its worker notices, not when a retry
begins.
"""

import asyncio
from functools import partial

import pytest
from prefect.client.schemas.objects import State, StateType
from prefect.runner._hook_runner import HookRunner
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from nightjar.server.deploy import local_api
from nightjar.server.worker import imported

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]


@pytest.mark.parametrize("state", [StateType.CRASHED, StateType.CANCELLING], ids=str.lower)
def test_a_worker_says_how_the_tasks_of_a_dead_run_ended(prefect, state):
    run = prefect.start("score", scheduled_time="2099-01-01T00:00:00Z")
    task = {"flow_run_id": run, "task_key": "held", "dynamic_key": "0", "state": {"type": "RUNNING"}}
    try:
        prefect.ask("/task_runs/", task)
        asyncio.run(as_its_worker_does(prefect, run, State(type=state)))
        assert [task["state_type"] for task in prefect.tasks(run)] == ["CRASHED"]
    finally:
        prefect.client.delete_flow_run(run)


async def as_its_worker_does(prefect, run: str, state: State) -> None:
    """Run the hooks of a run whose process has ended."""
    hooks = HookRunner(resolve_flow=partial(imported, "flows.score.score"))
    dead, login = prefect.client.read_flow_run(run), prefect.settings.prefect_auth.get_secret_value()
    with temporary_settings({PREFECT_API_URL: local_api(prefect.settings), PREFECT_API_AUTH_STRING: login}):
        await hooks.run_crashed_hooks(dead, state)
        await hooks.run_cancellation_hooks(dead, state)
