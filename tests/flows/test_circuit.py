"""A deployment that keeps failing is paused and a person is told; what tells people fails nothing."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from uuid import UUID

import pytest
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import Crashed

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]

NO_DRIFT = """
    CREATE FUNCTION nightjar.no_drift() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'drift is not to be had'; END $$;
    CREATE TRIGGER no_drift BEFORE INSERT ON nightjar.drift FOR EACH ROW EXECUTE FUNCTION nightjar.no_drift();
"""
DRIFT_AGAIN = "DROP TRIGGER no_drift ON nightjar.drift; DROP FUNCTION nightjar.no_drift();"


def ended_as(prefect, state: str, name: str) -> None:
    """A run of the deployment that is over, without the seconds that one takes."""
    run = prefect.start(name, scheduled_time="2099-01-01T00:00:00Z")
    prefect.ask(f"/flow_runs/{run}/set_state", {"state": {"type": state}, "force": True})


def paused(prefect, name: str) -> bool:
    return prefect.ask(f"/deployments/name/{name}/flight_delay-{name}")["paused"]


def called_as_once(prefect, flow: str, *, paused: bool, name: str = "flight_delay") -> UUID:
    """A deployment of ours as earlier releases made it: called by its model alone, like all the others.

    One not paused has its schedule paused.
    """
    now = prefect.client.read_deployment_by_name(f"{flow}/flight_delay-{flow}")
    schedules = [
        DeploymentScheduleCreate(schedule=each.schedule, slug=each.slug, active=paused)
        for each in now.schedules
    ]
    return prefect.client.create_deployment(
        now.flow_id,
        name,
        schedules=schedules,
        paused=paused,
        tags=now.tags,
        parameters=now.parameters,
        entrypoint=now.entrypoint,
        work_pool_name=now.work_pool_name,
    )


def heard(alerts, count: int) -> list[str]:
    """What was told of circuits, once there are so many. The watcher tells of other troubles of the world."""
    deadline, told = time.monotonic() + 30, list[str]()
    while len(told) < count and time.monotonic() < deadline:
        time.sleep(0.25)
        told = [each for each in alerts.heard if "circuit-open" in each]
    return told


@pytest.mark.chaos
def test_failures_in_a_row_pause_a_deployment_and_tell_a_person(prefect, world, alerts):
    from nightjar.server.deploy import api_url, deploy, local_api
    from nightjar.server.deployments import ends, resume
    from nightjar.server.deployments import paused as resting

    for state in ("COMPLETED", "FAILED", "CANCELLED", "FAILED"):
        ended_as(prefect, state, "monitor")
    deployment = prefect.client.read_deployment_by_name("monitor/flight_delay-monitor")
    assert ends(prefect.client, deployment.id, 3) == ["FAILED", "FAILED", "COMPLETED"]

    last = prefect.start("monitor", today="2099-01-01")
    assert prefect.ended(last)["state_type"] == "FAILED"
    says = (
        "The last 3 runs of flight_delay-monitor came to nothing. Its schedule is paused until someone "
        "resumes it."
    )
    assert heard(alerts, 1) == [
        f"Nightjar: flight_delay-monitor is paused. {says} Runbook: runbooks/circuit-open.md"
    ]
    assert paused(prefect, "monitor")
    assert "## Fix" in prefect.left(last, "circuit-flight-delay-monitor")
    logged = prefect.told(last, until=says, level=logging.ERROR)
    assert any(says in message for message in logged)
    assert [
        message.count("runbooks/bad-settings.md") for message in logged if message.startswith("DayToCome")
    ] == [1]

    api = local_api(prefect.settings)
    of_before = [
        called_as_once(prefect, "repair", paused=True),
        called_as_once(prefect, "features", paused=False),
    ]
    by_hand = called_as_once(prefect, "score", name="by hand", paused=True)
    logs_json = prefect.settings.model_copy(update={"log_format": "json"})  # as the platform does
    deploy(logs_json, api, world.home / "logs" / "deploy.log")
    assert paused(prefect, "monitor"), "a deployment must not resume what somebody paused"
    names = {each.name for each in prefect.client.read_deployments()}
    assert (names & {"flight_delay", "by hand"}, len(names)) == ({"by hand"}, 2 * 7 + 1), (
        f"{of_before} have new names, {by_hand} is somebody's own"
    )
    assert paused(prefect, "repair"), "a pause goes with the deployment to its new name"
    assert not paused(prefect, "score")
    features = prefect.client.read_deployment_by_name("features/flight_delay-features")
    assert (features.paused, [schedule.active for schedule in features.schedules]) == (False, [False])
    for name in ("flight_delay-repair", "flight_delay-features"):
        resume(prefect.client, name)
        assert not resting(prefect.client.read_deployment_by_name(f"{name.partition('-')[2]}/{name}"))
    prefect.client.delete_deployment(by_hand)
    assert api_url(prefect.settings) == api
    resume(prefect.client, "flight_delay-monitor")
    assert not paused(prefect, "monitor")

    alerts.status = 500
    again = prefect.start("monitor", today="2099-01-01")
    assert prefect.ended(again)["state_type"] == "FAILED"
    assert len(heard(alerts, 2)) == 2, "after a resumption the first failure opens it again"
    assert paused(prefect, "monitor"), "an alert that nobody takes stops nothing"
    assert alerts.url.rpartition("/")[2] not in (world.home / "logs" / "server.log").read_text()
    resume(prefect.client, "flight_delay-monitor")


def test_a_crash_names_its_runbook_in_the_log_of_the_run(prefect):
    """The process that died could not; its worker calls the hook."""
    from flows.circuit import break_circuit
    from flows.features import features
    from nightjar.server.deploy import local_api

    server = {
        PREFECT_API_URL: local_api(prefect.settings),
        PREFECT_API_AUTH_STRING: prefect.settings.prefect_auth.get_secret_value(),
    }
    run = prefect.client.read_flow_run(prefect.start("features", scheduled_time="2099-01-01T00:00:00Z"))
    with temporary_settings(server), logs_of_runs() as told:
        break_circuit(features, run, Crashed())
    assert [message.rpartition(" ")[2] for message in told] == ["runbooks/stuck-run.md"]


@contextmanager
def logs_of_runs() -> Iterator[list[str]]:
    """What Prefect's loggers of runs are told, which they may keep from all other loggers."""
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    runs = logging.getLogger("prefect.flow_runs")
    runs.addHandler(handler)
    yield told
    runs.removeHandler(handler)


@pytest.mark.chaos
def test_a_failing_drift_report_fails_no_night(prefect, world):
    world.execute(NO_DRIFT)
    try:
        run = prefect.start("score", score_date="2013-03-21", report=False)
        assert prefect.ended(run)["state_name"] == "Completed"
    finally:
        world.execute(DRIFT_AGAIN)
    assert {
        task["name"].partition(" ")[0] for task in prefect.tasks(run) if task["state_type"] == "FAILED"
    } == {"drift"}
    assert world.query("SELECT count(*) FROM scores WHERE score_date = '2013-03-21'") == [
        (world.scheduled(date(2013, 3, 21)),)
    ]
