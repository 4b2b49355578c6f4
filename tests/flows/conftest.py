"""A world for the flows: ten weeks of real flights landed, a champion trained on them, and a platform with server and worker."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

import models
from nightjar.bootstrap import Platform
from nightjar.settings import Settings

TODAY = date(2013, 3, 15)
NIGHTJAR = Path(sys.executable).with_name("nightjar")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@dataclass(frozen=True)
class World:
    home: Path
    platform: Platform

    def command(self, *arguments: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        return subprocess.run([NIGHTJAR, *arguments], capture_output=True, text=True, timeout=timeout, check=False, env=self.env())

    def env(self) -> dict[str, str]:
        return {**os.environ, "NIGHTJAR_HOME": str(self.home), "NIGHTJAR_PREFECT_PORT": str(self.platform.settings.prefect_port)}

    def scheduled(self, day: date) -> int:
        """How many departures are scheduled on a day, as its file says."""
        dataset = models.model("flight_delay").dataset("schedules")
        return self.platform.raw.read(dataset, day, day).height

    def query(self, sql: str, role: str = "analyst") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.platform.url(role)) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        with psycopg.connect(self.platform.url("owner")) as connection:
            connection.execute(sql)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    home = Path(tempfile.mkdtemp(prefix="nightjar-world-"))
    home.chmod(0o755)
    platform = Platform(Settings(home=home, prefect_port=free_port(), _env_file=None))
    spec = models.model("flight_delay")
    try:
        platform.migrate()
        platform.apply_features()
        platform.ready(spec, platform.evening(spec, TODAY))
        trained = platform.retrain(spec, TODAY)
        if not trained.promoted:
            platform.registry.promote(trained.version, "champion", "ten weeks of history are too few for the gates; the flows need one all the same")
        yield World(home, platform)
    finally:
        platform.close()
        platform.local.stop()
        platform.local.remove()
        shutil.rmtree(home, ignore_errors=True)


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
def prefect(world: World) -> Iterator[Prefect]:
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
