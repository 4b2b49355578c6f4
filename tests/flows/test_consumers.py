"""A publication starts a deployment of somebody else on a real Prefect server, by the event that is sent."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from httpx import HTTPStatusError
from prefect.client.schemas.filters import FlowRunFilter
from prefect.events import DeploymentEventTrigger

from nightjar.core.telling.publications import PublicationNews
from nightjar.server.deploy import environment, local_api
from nightjar.server.events import PrefectEvents

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]
DAY = date(2013, 6, 15)
SERVED = """
from pathlib import Path
from prefect import flow
from prefect.events import DeploymentEventTrigger

@flow
def {name}(score_date: str) -> None:
    Path({told!r}).write_text(score_date)

if __name__ == "__main__":
    {name}.serve(
        name="after",
        triggers=[
            DeploymentEventTrigger(
                expect={{"nightjar.night.published"}},
                match={{"prefect.resource.id": "nightjar.night.*", "nightjar.model": "{name}"}},
                parameters={{"score_date": "{{{{ event.payload.score_date }}}}"}},
            )
        ],
    )
"""


@pytest.fixture
def model():
    """A name that no other test tells of."""
    return f"m{uuid4().hex[:8]}"


@pytest.fixture
def tell(prefect):
    """Sends the event of a publication as the watcher does. It may be sent again."""
    events = PrefectEvents(prefect.settings, local_api(prefect.settings))

    def told(model: str, publication: int = 1) -> None:
        news = PublicationNews(
            publication_id=publication,
            model=model,
            score_date=DAY,
            run_id=1,
            revision=1,
            model_version=1,
            action="publish",
            published_at=datetime.now(UTC),
        )
        for _ in range(2):
            assert events(news) is None

    return told


@pytest.fixture
def triggered(prefect, model):
    """A deployment that nobody runs, with the trigger of docs/consumers.md. Gives the runs that it got."""
    flow = prefect.client.create_flow_from_name(model)
    deployment = prefect.client.create_deployment(flow, name=model)
    trigger = DeploymentEventTrigger(
        expect={"nightjar.night.published"},
        match={"prefect.resource.id": "nightjar.night.*", "nightjar.model": model},
        parameters={"score_date": "{{ event.payload.score_date }}"},
    )
    trigger.set_deployment_id(deployment)
    automation = prefect.client.create_automation(trigger.as_automation())
    wanted = FlowRunFilter.model_validate({"deployment_id": {"any_": [deployment]}})
    yield lambda: prefect.client.read_flow_runs(flow_run_filter=wanted)
    prefect.client.delete_automation(automation)
    prefect.client.delete_deployment(deployment)
    prefect.client.delete_flow(flow)


def until(found: Callable[[], object], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def has_trigger(prefect, deployment: str) -> bool:
    try:
        found = prefect.ask(f"/deployments/name/{deployment}")
    except HTTPStatusError:
        return False
    return bool(prefect.ask(f"/automations/related-to/prefect.deployment.{found['id']}"))


def test_a_deployment_that_triggers_on_a_model_runs_once_for_each_of_its_publications(tell, triggered, model):
    tell(f"{model}x")
    tell(model)
    until(triggered, 30)
    tell(model, 2)
    until(lambda: len(triggered()) == 2, 30)
    time.sleep(0.5)
    assert [run.parameters for run in triggered()] == [{"score_date": str(DAY)}] * 2


@pytest.mark.chaos
def test_a_flow_that_is_served_as_the_page_says_runs_with_the_night_that_was_published(
    prefect, tell, model, tmp_path
):
    told, script = tmp_path / "told", tmp_path / "downstream.py"
    script.write_text(SERVED.format(name=model, told=str(told)))
    env = environment(prefect.settings, local_api(prefect.settings)) | {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    served = subprocess.Popen([sys.executable, script], env=env, cwd=tmp_path)
    try:
        until(lambda: has_trigger(prefect, f"{model}/after"), 60)
        tell(model)
        until(told.exists, 60)
        assert told.read_text() == str(DAY)
    finally:
        served.terminate()
        served.wait(30)
