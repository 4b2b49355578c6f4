"""The world with a platform in it: a Prefect server and a worker."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NIGHTJAR = Path(sys.executable).with_name("nightjar")


@dataclass(frozen=True)
class Prefect:
    """The running platform's API."""

    base: str

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/api{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def start(self, flow: str, scheduled_time: str | None = None, **parameters: Any) -> str:
        deployment = self.ask(f"/deployments/name/{flow}/flight_delay")
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": scheduled_time}} if scheduled_time else {"type": "SCHEDULED"}
        return self.ask(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters, "state": state})["id"]

    def ended(self, flow_run: str, timeout_s: float = 150, after_runs: int = 0) -> dict[str, Any]:
        """The flow run once it has ended, having run more than `after_runs` times."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            run = self.ask(f"/flow_runs/{flow_run}")
            if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} and run["run_count"] > after_runs:
                return run
            time.sleep(1)
        raise AssertionError(f"flow run {flow_run} is still {run['state_name']} after {timeout_s} s")

    def artifacts(self, flow_run: str) -> dict[str, Any]:
        """Key -> content of what the run left for people; Prefect's own have no key."""
        found = self.ask("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run]}}})
        return {artifact["key"]: artifact["data"] for artifact in found if artifact["key"]}

    def tasks(self, flow_run: str) -> list[dict[str, Any]]:
        return self.ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run]}}, "sort": "EXPECTED_START_TIME_ASC"})


@pytest.fixture(scope="session")
def prefect(world) -> Iterator[Prefect]:
    log = world.home / "up.log"
    with log.open("w") as file:
        up = subprocess.Popen([NIGHTJAR, "up"], env=world.env(), stdout=file, stderr=file, start_new_session=True)
    try:
        deadline = time.monotonic() + 180
        while "is up" not in log.read_text():
            assert up.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        yield Prefect(f"http://127.0.0.1:{world.platform.settings.prefect_port}")
    finally:
        up.send_signal(signal.SIGINT)
        code = up.wait(150)
    assert code == 0, log.read_text()
    assert "everything has stopped" in log.read_text()
