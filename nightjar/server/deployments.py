"""The deployments on a Prefect server: which are ours, and how their runs ended.

It also keeps pauses through `prefect deploy` and through a change of a deployment's name.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort

from nightjar.core.errors.settings import BadSettings
from nightjar.core.platform.circuit import DECISIVE
from nightjar.server.automations import TAG
from nightjar.wiring.settings import PROJECT


def declared() -> dict[str, dict[str, Any]]:
    """Return the deployments of prefect.yaml, by name."""
    return {
        each["name"]: each for each in yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    }


def deployed(client: SyncPrefectClient) -> dict[str, DeploymentResponse]:
    """Return our deployments on the server, by name."""
    return {each.name: each for each in client.read_deployments() if TAG in each.tags}


@contextmanager
def pauses_kept(client: SyncPrefectClient) -> Iterator[None]:
    """Keep the pauses of deployments and of their schedules, no matter what paused them.

    `prefect deploy` would resume both.
    A deployment that has a new name afterwards passes its pauses on and is removed.
    """
    before = client.read_deployments()
    yield
    now = {each.id: each for each in client.read_deployments()}
    names = {each.name: each for each in now.values() if TAG in each.tags}
    for old in before:
        heir = renamed(old, names) or now.get(old.id)
        if heir is not None:
            hand_over(client, old, heir)
            if heir.id != old.id:
                client.delete_deployment(old.id)


def renamed(old: DeploymentResponse, names: Mapping[str, DeploymentResponse]) -> DeploymentResponse | None:
    """Return the deployment of the same flow and model under its new name.

    Once all six deployments of a model were named after the model alone.
    """
    if TAG not in old.tags or old.name != old.parameters.get("model"):
        return None
    alike = (
        each
        for each in names.values()
        if each.flow_id == old.flow_id and each.parameters.get("model") == old.name
    )
    return next((each for each in alike if each.name in declared()), None)


def hand_over(client: SyncPrefectClient, old: DeploymentResponse, heir: DeploymentResponse) -> None:
    if old.paused:
        client.pause_deployment(heir.id)
    inactive = [schedule for schedule in old.schedules if not schedule.active]
    for schedule in heir.schedules:
        if schedule.active and any(same(schedule, other) for other in inactive):
            client.update_deployment_schedule(heir.id, schedule.id, active=False)


def same(schedule: DeploymentSchedule, other: DeploymentSchedule) -> bool:
    return (schedule.slug or schedule.schedule) == (other.slug or other.schedule)


def paused(each: DeploymentResponse) -> bool:
    """Return True if the deployment does not follow all its schedules."""
    return each.paused or not all(schedule.active for schedule in each.schedules)


def resume(client: SyncPrefectClient, name: str) -> str:
    """Let a deployment follow its schedules again; return its name.

    Schedules that prefect.yaml switches off stay off.
    name: as the UI lists it; `flow/name`, as in Prefect's command line, works too.
    Raises BadSettings for a deployment that the server does not have.
    """
    known = deployed(client)
    found = known.get(name.rpartition("/")[2])
    if found is None:
        raise BadSettings(
            f"There is no deployment {name!r}",
            f"Known: {', '.join(sorted(known)) or 'none; run `nightjar deploy`'}.",
        )
    client.resume_deployment(found.id)
    off = {
        schedule.get("slug")
        for schedule in declared().get(found.name, {}).get("schedules", [])
        if not schedule.get("active", True)
    }
    for schedule in found.schedules:
        if not schedule.active and schedule.slug not in off:
            client.update_deployment_schedule(found.id, schedule.id, active=True)
    return found.name


def ends(client: SyncPrefectClient, deployment: UUID, limit: int) -> list[str]:
    """Return how the newest runs of a deployment ended, newest first."""
    runs = client.read_flow_runs(
        deployment_filter=DeploymentFilter.model_validate({"id": {"any_": [deployment]}}),
        flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": DECISIVE}}}),
        sort=FlowRunSort.END_TIME_DESC,
        limit=limit,
    )
    return [run.state_type.value for run in runs if run.state_type is not None]
