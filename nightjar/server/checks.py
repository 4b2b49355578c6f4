"""Checks that a Prefect server still has what `nightjar deploy` gave it. Changes nothing.

It also checks that a worker asks the server for runs, and finds runs that look stuck.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.client import UNPROCESSABLE_ENTITY
from typing import Any
from uuid import UUID

from httpx import HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, WorkerStatus
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from pydantic import TypeAdapter

from nightjar.core.errors.platform import (
    DeploymentPaused,
    ModelsGone,
    NotDeployed,
    NoWorker,
    RunsStuck,
    ServerOpen,
)
from nightjar.server.automations import TAG, Patience, differing, wanted
from nightjar.server.deploy import known_alert_block
from nightjar.server.deployments import declared, deployed, left_over, paused
from nightjar.server.openings import openings
from nightjar.server.paging import every
from nightjar.server.pool import POOL, TEMPLATE, known_pool
from nightjar.wiring.settings import Settings

Check = Callable[[SyncPrefectClient, Settings], str]
PATIENCE = Patience()
HEARTBEAT = "prefect.flow-run.heartbeat"
DURATION = TypeAdapter(timedelta)


def server(client: SyncPrefectClient, _: Settings) -> str:
    return f"Prefect {client.api_version()} answers at {client.api_url} and takes our credentials"


def access(client: SyncPrefectClient, _: Settings) -> str:
    """Raises ServerOpen if a stranger may act: without the login, from another site, by a foreign name."""
    url = str(client.api_url).rstrip("/")
    found = [*openings(url), *(["takes forged requests (CSRF)"] if takes_forged_requests(client) else [])]
    if found:
        raise ServerOpen(url, found)
    return "only to those with the login, from its own pages, by its own names"


def takes_forged_requests(client: SyncPrefectClient) -> bool:
    """Return True if the server gives out no tokens: then it does not ask for them either."""
    try:
        client.request("GET", "/csrf-token", params={"client": "nightjar-doctor"})
    except HTTPStatusError as error:
        return error.response.status_code == UNPROCESSABLE_ENTITY
    return False


def retention(client: SyncPrefectClient, settings: Settings) -> str:
    """Raises NotDeployed if the server keeps flow runs for ever, or not as long as the setting says."""
    asked, kept = settings.keep_flow_runs_days, kept_for(client)
    if kept != timedelta(days=asked):
        how_long = "for ever" if kept is None else f"for {kept / timedelta(days=1):g} days"
        what = f"it keeps flow runs {how_long}, and NIGHTJAR_KEEP_FLOW_RUNS_DAYS is {asked}"
        raise NotDeployed(what, "Restart the server with that setting.")
    return f"flow runs go {asked} days after their end, with their task runs, logs and artifacts"


def kept_for(client: SyncPrefectClient) -> timedelta | None:
    """How long the server keeps flow runs that have ended; None for ever."""
    vacuum = client.request("GET", "/admin/settings").json()["server"]["services"]["db_vacuum"]
    removed: bool | list[str] | None = vacuum["enabled"]  # everything, or a list of kinds
    goes = removed is True or (isinstance(removed, list) and "flow_runs" in removed)
    return DURATION.validate_python(vacuum["retention_period"]) if goes else None


def deployments(client: SyncPrefectClient, _: Settings) -> str:
    """Raises NotDeployed for a deployment that is missing or differs from the models' specs.

    Raises ModelsGone for deployments of models that are no more.
    Raises DeploymentPaused for a deployment that follows no schedule.
    """
    asked, found = declared(), deployed(client)
    wrong = [
        name for name in sorted(asked) if name not in found or wanted_of(asked[name]) != found_of(found[name])
    ]
    if wrong:
        raise NotDeployed(f"deployments that are missing or not as the specs say: {', '.join(wrong)}")
    if gone := left_over(found):
        raise ModelsGone(sorted(gone))
    if resting := [name for name in sorted(asked) if paused(found[name])]:
        raise DeploymentPaused(resting)
    return f"{len(asked)} as the specs say, none paused"


def wanted_of(each: Mapping[str, Any]) -> tuple[object, ...]:
    """Return the properties that identify a deployment, as the spec of its model gives them."""
    crons = sorted((schedule["cron"], schedule["timezone"]) for schedule in each["schedules"])
    code = each["entrypoint"], each["parameters"], False  # False: it brings no code or steps of its own
    return *code, sorted(each["tags"]), each["work_pool"]["name"], each["concurrency_limit"]["limit"], crons


def found_of(each: DeploymentResponse) -> tuple[object, ...]:
    """Return the same properties, as the server has them."""
    crons = sorted(
        (schedule.schedule.cron, schedule.schedule.timezone)
        for schedule in each.schedules
        if isinstance(schedule.schedule, CronSchedule)
    )
    limit = each.global_concurrency_limit and each.global_concurrency_limit.limit
    brings = bool(each.pull_steps or each.job_variables or each.storage_document_id)
    code = each.entrypoint, each.parameters, brings
    return *code, sorted(each.tags), each.work_pool_name, limit, crons


def automations(client: SyncPrefectClient, settings: Settings) -> str:
    """Raises NotDeployed for an automation that is missing, switched off or different from the code's.

    Raises it also for an alert URL that the server does not know.
    """
    alert = known_alert_block(client)
    if settings.alert_url is not None and alert is None:
        raise NotDeployed("NIGHTJAR_ALERT_URL is set, but the server does not know it")
    asked = wanted(Patience(failures=settings.circuit_failures), alert)
    if wrong := differing(client, asked):
        raise NotDeployed(
            f"automations that are missing, switched off or not as in the code: {', '.join(wrong)}"
        )
    return f"{len(asked)} as in the code, " + (
        "a broken circuit alerts a person" if alert else "nobody is alerted (NIGHTJAR_ALERT_URL)"
    )


def workers(client: SyncPrefectClient, _: Settings) -> str:
    """Raises NotDeployed if the work pool is not as we want it, NoWorker if no worker takes its runs."""
    pool = known_pool(client)
    if pool is None:
        raise NotDeployed(f"there is no work pool {POOL}")
    if pool.base_job_template != TEMPLATE:
        raise NotDeployed(f"the work pool {POOL} has another job template")
    if pool.is_paused:
        raise NoWorker(f"The work pool {POOL} is paused", "paused")
    known = every(client.read_workers_for_work_pool, work_pool_name=POOL)
    online = sorted(worker.name for worker in known if worker.status == WorkerStatus.ONLINE)
    if not online:
        seen = [worker.last_heartbeat_time for worker in known if worker.last_heartbeat_time is not None]
        raise NoWorker(
            f"No worker takes runs of the work pool {POOL}",
            last=f"The last one asked for them at {max(seen):%Y-%m-%d %H:%M} UTC." if seen else "",
        )
    return f"{', '.join(online)} in the work pool {POOL}"


def runs(client: SyncPrefectClient, _: Settings, patience: Patience = PATIENCE) -> str:
    """Raises RunsStuck for runs that should have been ended or taken long ago.

    "Long ago" is twice the time that the server itself waits.
    """
    now = datetime.now(UTC)
    active = of_ours(client, {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}})
    heard = heard_of(client, active, now - timedelta(seconds=2 * patience.dead_after_s))
    limits = {
        "RUNNING": 2 * patience.dead_after_s,
        "PENDING": 2 * patience.stuck_after_s,
        "CANCELLING": 2 * patience.dead_after_s,
    }
    silent = [run for run in active if run.id not in heard and since(run, now) > limits[kind(run)]]
    late = [
        run for run in of_ours(client, {"name": {"any_": ["Late"]}}) if since(run, now) > limits["PENDING"]
    ]
    if silent or late:
        raise RunsStuck(
            [
                f"{run.name} ({run.id}), {run.state_name} for {since(run, now) / 60:.0f} min"
                for run in (*silent, *late)
            ]
        )
    return f"{len(active)} under way, none of them silent or late"


def of_ours(client: SyncPrefectClient, state: Mapping[str, Any]) -> list[FlowRun]:
    wanted = FlowRunFilter.model_validate({"state": state, "tags": {"all_": [TAG]}})
    return every(client.read_flow_runs, flow_run_filter=wanted)


def heard_of(client: SyncPrefectClient, runs: list[FlowRun], moment: datetime) -> set[UUID]:
    """Return the runs that have sent a heartbeat since the moment."""
    asked = {"occurred": {"since": moment.isoformat()}, "event": {"name": [HEARTBEAT]}}
    ids = {f"prefect.flow-run.{run.id}": run.id for run in runs}
    return {run for name, run in ids.items() if sent_any(client, {**asked, "resource": {"id": [name]}})}


def sent_any(client: SyncPrefectClient, events: Mapping[str, Any]) -> bool:
    return bool(
        client.request("POST", "/events/filter", json={"filter": events, "limit": 1}).json()["events"]
    )


def since(run: FlowRun, now: datetime) -> float:
    """Return the seconds since the run entered its state."""
    assert run.state is not None  # its type was asked for
    return (now - run.state.timestamp).total_seconds()


def kind(run: FlowRun) -> str:
    assert run.state_type is not None  # it was asked for
    return run.state_type.value


CHECKS: dict[str, Check] = {
    "access": access,
    "retention": retention,
    "deployments": deployments,
    "automations": automations,
    "workers": workers,
    "flow runs": runs,
}
"""The checks that run if `server` succeeds."""
