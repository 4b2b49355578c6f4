"""What `nightjar status` says of a real server: what is paused and why, and attempts that the ledger
cannot know.
"""

from dataclasses import replace
from datetime import date

import pytest
from prefect.client.schemas.actions import WorkPoolUpdate
from typer.testing import CliRunner

import models
from nightjar.cli import app
from nightjar.core.platform.attempts import Pause
from nightjar.server.deploy import local_api
from nightjar.server.deployments import deployed, resume
from nightjar.server.pool import POOL
from nightjar.server.status import server_status

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]

SPEC = models.model("flight_delay")
NIGHT = date(2013, 5, 20)
TOO_EARLY = date(1800, 5, 20)
"""A date that is refused before anything is claimed."""


@pytest.fixture
def shown(prefect, world, monkeypatch):
    """What the command prints, as whoever has the server's login."""
    platform = replace(world.platform, settings=prefect.settings)
    monkeypatch.setattr("nightjar.cli.status.opened", lambda: platform)

    def lines() -> list[str]:
        result = CliRunner().invoke(app, ["status", "--limit", "100"], catch_exceptions=False)
        assert result.exit_code == 0
        return [" ".join(line.split()) for line in result.output.splitlines()]

    yield lines
    platform.close()


def test_an_attempt_that_failed_before_it_claimed_a_run_is_told_with_its_night(prefect, shown, done_here):
    ended = done_here("score", score_date=str(TOO_EARLY))
    assert ended["state_type"] == "FAILED"
    lines = shown()
    assert any(line.startswith(f"{TOO_EARLY} missing: 1 attempt failed") for line in lines)
    assert any("score" in line and "Failed BadSettings: The score date 1800-05-20" in line for line in lines)
    prefect.client.delete_flow_run(ended["id"])
    assert not any(line.startswith(f"{TOO_EARLY} missing: 1") for line in shown())


def test_everything_that_is_paused_is_named_with_its_reason(prefect, shown):
    api, client = local_api(prefect.settings), prefect.client
    for name in ("flight_delay-repair", "flight_delay-features", "flight_delay-retrain"):
        resume(client, name)
    before = set(server_status(prefect.settings, api, SPEC).pauses)
    found = deployed(client)
    client.pause_deployment(found["flight_delay-repair"].id)
    for _ in range(prefect.settings.circuit_failures):
        failed = prefect.start("retrain", scheduled_time="2099-01-01T00:00:00Z")
        prefect.ask(f"/flow_runs/{failed}/set_state", {"state": {"type": "FAILED"}, "force": True})
    client.pause_deployment(found["flight_delay-retrain"].id)
    (schedule,) = found["flight_delay-features"].schedules
    client.update_deployment_schedule(found["flight_delay-features"].id, schedule.id, active=False)
    client.update_work_pool(POOL, WorkPoolUpdate(is_paused=True))
    try:
        pauses = {
            pause.what: pause.why for pause in set(server_status(prefect.settings, api, SPEC).pauses) - before
        }
        lines = shown()
    finally:
        client.update_work_pool(POOL, WorkPoolUpdate(is_paused=False))
        for name in ("flight_delay-repair", "flight_delay-features", "flight_delay-retrain"):
            resume(client, name)
    assert set(pauses) == {
        "flight_delay-repair",
        "flight_delay-retrain",
        "schedule of flight_delay-features",
        f"work pool {POOL}",
    }
    assert pauses["flight_delay-repair"].startswith("by a person; `nightjar resume flight_delay-repair`")
    assert pauses["flight_delay-retrain"].startswith(
        "its last 3 runs came to nothing (runbooks/circuit-open.md)"
    )
    assert all(any(line.startswith(f"{what} {why}"[:60]) for line in lines) for what, why in pauses.items())
    assert set(server_status(prefect.settings, api, SPEC).pauses) == before
    assert all(isinstance(pause, Pause) for pause in before)
