"""What `nightjar doctor` says of a Prefect server: a real one, whole and with one thing amiss at a time."""

import time
from contextlib import contextmanager

import pytest
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolUpdate
from pydantic import SecretStr

from nightjar.cli import doctor
from nightjar.core.errors.platform import DeploymentPaused, ModelsGone, NotDeployed, NoWorker, RunsStuck
from nightjar.server.automations import Patience
from nightjar.server.checks import automations, deployments, retention, runs, workers
from nightjar.server.deploy import automate, local_api
from nightjar.server.deployments import remove
from nightjar.server.pool import POOL, TEMPLATE

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]


def test_a_whole_platform_is_said_to_be_well(prefect):
    deadline = time.monotonic() + 60  # the worker has only just been started
    rows = doctor.prefect(prefect.settings)
    while any(verdict == "NO" for _, verdict, _ in rows):
        assert time.monotonic() < deadline, rows
        time.sleep(1)
        rows = doctor.prefect(prefect.settings)
    assert [name for name, *_ in rows] == [
        "prefect server",
        "access",
        "retention",
        "deployments",
        "automations",
        "workers",
        "flow runs",
    ]


def test_without_a_server_nothing_is_amiss(prefect, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert doctor.prefect(prefect.settings.model_copy(update={"prefect_port": 1}))[0][1] == "ok"
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    ((_, verdict, text),) = doctor.prefect(prefect.settings)
    assert (verdict, "cannot be reached" in text) == ("NO", True)


def test_refused_credentials_are_said_once(prefect):
    ((_, verdict, text),) = doctor.prefect(
        prefect.settings.model_copy(update={"prefect_auth": SecretStr("night:wrong")})
    )
    assert (verdict, "NIGHTJAR_PREFECT_AUTH" in text) == ("NO", True)


@pytest.mark.chaos  # test_paging.py reads pages without a server
def test_our_deployments_are_found_behind_more_of_others_than_one_answer_holds(prefect):
    flow = prefect.client.read_deployment_by_name("monitor/flight_delay-monitor").flow_id
    others = [prefect.client.create_deployment(flow, f"0 of others {n}") for n in range(201)]
    assert deployments(prefect.client, prefect.settings)
    for other in others:
        prefect.client.delete_deployment(other)


@contextmanager
def changed(client, **fields):
    """The deployment of `monitor`."""
    found = client.read_deployment_by_name("monitor/flight_delay-monitor")
    client.update_deployment(found.id, DeploymentUpdate(**fields))
    yield
    client.update_deployment(found.id, DeploymentUpdate(**{name: getattr(found, name) for name in fields}))


def test_deployments_other_than_the_codes_or_paused_are_named(prefect):
    with changed(prefect.client, tags=["nightjar"]), pytest.raises(NotDeployed, match="flight_delay-monitor"):
        deployments(prefect.client, prefect.settings)
    with (
        changed(prefect.client, paused=True),
        pytest.raises(DeploymentPaused, match=r"in a row: flight_delay-monitor\. .* resume it"),
    ):
        deployments(prefect.client, prefect.settings)


def test_deployments_of_a_model_that_is_no_more_are_told_until_they_are_removed(prefect):
    found = prefect.client.read_deployment_by_name("monitor/flight_delay-monitor")
    prefect.client.create_deployment(
        found.flow_id,
        "trains-monitor",
        parameters={"model": "trains"},
        tags=["nightjar", "model:trains"],
        entrypoint=found.entrypoint,
    )
    with pytest.raises(ModelsGone, match="does not have: trains-monitor"):
        deployments(prefect.client, prefect.settings)
    assert remove(prefect.client) == ("trains-monitor",)
    assert "as the specs say" in deployments(prefect.client, prefect.settings)


def test_automations_that_are_missing_or_other_than_the_codes_are_named(prefect):
    api = local_api(prefect.settings)
    automate(prefect.settings, api, Patience(dead_after_s=33))
    gone = next(each for each in prefect.client.read_automations() if "never started" in each.name)
    prefect.client.delete_automation(gone.id)
    with pytest.raises(
        NotDeployed,
        match="a run that was taken but never started has crashed, a run without a sign of life has crashed",
    ):
        automations(prefect.client, prefect.settings)
    automate(prefect.settings, api)
    assert "alerts a person" in automations(prefect.client, prefect.settings)


def test_a_paused_pool_means_that_nothing_takes_runs(prefect):
    prefect.client.update_work_pool(POOL, WorkPoolUpdate(is_paused=True))
    with pytest.raises(NoWorker, match="is paused"):
        workers(prefect.client, prefect.settings)
    prefect.client.update_work_pool(POOL, WorkPoolUpdate(is_paused=False))


def test_a_pool_that_takes_commands_again_is_named(prefect):
    open_template = {
        **TEMPLATE,
        "variables": {"type": "object", "properties": {"command": {"type": "string"}}},
    }
    prefect.client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=open_template))
    with pytest.raises(NotDeployed, match="another job template"):
        workers(prefect.client, prefect.settings)
    prefect.client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=TEMPLATE))
    assert workers(prefect.client, prefect.settings)


def test_a_server_that_keeps_runs_for_another_time_than_the_setting_is_named(prefect):
    with pytest.raises(NotDeployed, match="for 90 days, and NIGHTJAR_KEEP_FLOW_RUNS_DAYS is 30"):
        retention(prefect.client, prefect.settings.model_copy(update={"keep_flow_runs_days": 30}))


def test_a_run_without_a_heartbeat_looks_stuck(prefect):
    run = prefect.start("features", scheduled_time="2099-01-01T00:00:00Z")
    for state in ("PENDING", "RUNNING"):
        prefect.ask(f"/flow_runs/{run}/set_state", {"state": {"type": state}, "force": True})
    assert runs(prefect.client, prefect.settings)
    with pytest.raises(RunsStuck, match=rf"1 flow runs look stuck: .*\({run}\), Running"):
        runs(prefect.client, prefect.settings, Patience(dead_after_s=0))
    prefect.client.delete_flow_run(run)
