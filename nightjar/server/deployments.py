"""The deployments on a Prefect server: which are ours, and how their runs ended.

It also keeps pauses through `prefect deploy` and through a change of a deployment's name.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import yaml
from prefect import __version__
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort

import models
from nightjar.core.errors.settings import BadSettings
from nightjar.core.platform.circuit import DECISIVE
from nightjar.core.platform.deployments import Deployment, deployments_of
from nightjar.server.automations import TAG
from nightjar.server.paging import every
from nightjar.server.pool import POOL

ONE_AT_A_TIME = {"limit": 1, "collision_strategy": "ENQUEUE"}
"""One run of each deployment at a time. Only the night's lock in Postgres guarantees it."""


def declared() -> dict[str, dict[str, Any]]:
    """Return the deployments of all models that can be used, by name, as prefect.yaml would have them."""
    found = (deployment for spec in models.MODELS.values() for deployment in deployments_of(spec))
    return {deployment.name: as_prefect_has_it(deployment) for deployment in found}


def as_prefect_has_it(deployment: Deployment) -> dict[str, Any]:
    schedule = {"cron": deployment.cron, "timezone": deployment.time_zone, "slug": "scheduled"}
    return {
        "name": deployment.name,
        "entrypoint": deployment.entrypoint,
        "description": deployment.description,
        "tags": [TAG, f"model:{deployment.model}"],
        "parameters": {"model": deployment.model},
        "work_pool": {"name": POOL},
        "concurrency_limit": dict(ONE_AT_A_TIME),
        "schedules": [schedule] if deployment.cron else [],
    }


def prefect_yaml() -> str:
    """Return the file that `prefect deploy --all` takes.

    It has no pull step: flows are imported from the installed package, not from a working copy.
    """
    whole = {"name": "nightjar", "prefect-version": __version__, "pull": []}
    return yaml.safe_dump({**whole, "deployments": [*declared().values()]}, sort_keys=False, width=110)


def left_over(found: Mapping[str, DeploymentResponse]) -> dict[str, DeploymentResponse]:
    """Return those of our deployments on a server that belong to no model of this code, by name.

    Those of a broken model stay: it comes back when it is mended.
    """
    known = declared()
    return {
        name: each
        for name, each in found.items()
        if name not in known and each.parameters.get("model") not in models.BROKEN
    }


def remove(client: SyncPrefectClient) -> tuple[str, ...]:
    """Delete what `left_over` finds, and return the names. Runs that have ended stay."""
    gone = left_over(deployed(client))
    for each in gone.values():
        client.delete_deployment(each.id)
    return tuple(sorted(gone))


def deployed(client: SyncPrefectClient) -> dict[str, DeploymentResponse]:
    """Return our deployments on the server, by name."""
    return {each.name: each for each in every(client.read_deployments) if TAG in each.tags}


@contextmanager
def pauses_kept(client: SyncPrefectClient) -> Iterator[None]:
    """Keep the pauses of deployments and of their schedules, no matter what paused them.

    `prefect deploy` would resume both.
    A deployment that has a new name afterwards passes its pauses on and is removed.
    """
    before = every(client.read_deployments)
    yield
    now = {each.id: each for each in every(client.read_deployments)}
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
    return schedule.schedule == other.schedule or (schedule.slug is not None and schedule.slug == other.slug)


def paused(each: DeploymentResponse) -> bool:
    """Return True if the deployment does not follow all its schedules."""
    return each.paused or not all(schedule.active for schedule in each.schedules)


def resume(client: SyncPrefectClient, name: str) -> str:
    """Let a deployment follow its schedules again; return its name.

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
    for schedule in found.schedules:
        if not schedule.active:
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
