"""The world with a platform in it: a Prefect server with the login that it made itself, a worker, and
somewhere to send alerts to.
"""

import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from nightjar.wiring.settings import Settings

NIGHTJAR = Path(sys.executable).with_name("nightjar")
TOKEN = "t0ken-of-the-alert-url"
PROXY = "nightjar.example.org"
RUNNING = pytest.StashKey[ExitStack]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """The platform stops after the last test of this folder: all others would share the processor with it."""
    yield
    if nextitem is not None and Path(__file__).parent not in nextitem.path.parents:
        item.config.stash.get(RUNNING, ExitStack()).close()


@dataclass
class Alerts:
    """A service that is told things over HTTP, and may be out of order."""

    status: int = 200
    heard: list[str] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def listening(self) -> Iterator["Alerts"]:
        alerts = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                alerts.heard.append(f"{told['title']}. {told['message']}")
                self.send_response(alerts.status)
                self.end_headers()

            # the name is the base class's
            def log_message(self, format: str, *arguments: Any) -> None: ...  # noqa: A002

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"json://127.0.0.1:{server.server_port}/{TOKEN}"
            Thread(target=server.serve_forever, daemon=True).start()
            yield self
            server.shutdown()


@dataclass(frozen=True)
class Prefect:
    """The running platform's API."""

    settings: Settings
    client: Any
    proxy: str = PROXY
    """The name of the only proxy that may stand in front of it."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.settings.prefect_port}"

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.client.request("GET" if body is None else "POST", path, json=body)
        return answer.json() if answer.content else None

    def start(self, flow: str, scheduled_time: str | None = None, **parameters: Any) -> str:
        deployment = self.ask(f"/deployments/name/{flow}/flight_delay-{flow}")
        state = (
            {"type": "SCHEDULED", "state_details": {"scheduled_time": scheduled_time}}
            if scheduled_time
            else {"type": "SCHEDULED"}
        )
        return self.ask(
            f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters, "state": state}
        )["id"]

    def ended(self, flow_run: str, timeout_s: float = 150, after_runs: int = 0) -> dict[str, Any]:
        """The flow run once it has ended, having run more than `after_runs` times."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            run = self.ask(f"/flow_runs/{flow_run}")
            if (
                run["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
                and run["run_count"] > after_runs
            ):
                return run
            time.sleep(0.5)  # each question costs the server, too
        raise AssertionError(f"flow run {flow_run} is still {run['state_name']} after {timeout_s} s")

    def artifacts(self, flow_run: str) -> dict[str, Any]:
        """Key -> content of what the run left for people; Prefect's own have no key."""
        found = self.ask("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run]}}})
        return {artifact["key"]: artifact["data"] for artifact in found if artifact["key"]}

    def left(self, flow_run: str, key: str) -> Any:
        """What the run left under a key, once it is there: hooks of a run work on after its end."""
        deadline = time.monotonic() + 60
        while key not in (found := self.artifacts(flow_run)):
            assert time.monotonic() < deadline, f"{flow_run} left {sorted(found)}, not {key}"
            time.sleep(0.25)
        return found[key]

    def written(self) -> str:
        """All that the platform wrote to its logs. Every line is one JSON object."""
        files = (self.settings.home / "up.log", *self.settings.home.glob("logs/*"))
        lines = [line for file in files for line in file.read_text().splitlines()]
        assert lines
        assert all(isinstance(json.loads(line), dict) for line in lines)
        return "\n".join(lines)

    def logged(self, flow_run: str) -> list[dict[str, Any]]:
        """The lines about a flow run."""
        lines = map(json.loads, self.written().splitlines())
        return [line for line in lines if line.get("flow_run") == flow_run]

    def told(self, flow_run: str, until: str, level: int = logging.NOTSET) -> list[str]:
        """The run's log as people read it in the UI, once the words are in it: a run sends its log a moment
        after its state.

        Oldest first.
        """
        wanted = {
            "logs": {"flow_run_id": {"any_": [flow_run]}, "level": {"ge_": level}},
            "sort": "TIMESTAMP_ASC",
        }
        deadline = time.monotonic() + 60
        while True:
            found = [line["message"] for line in self.ask("/logs/filter", wanted)]
            if any(until in message for message in found):
                return found
            assert time.monotonic() < deadline, f"{until!r} is not in the log of {flow_run}: {found}"
            time.sleep(0.25)

    def tasks(self, flow_run: str) -> list[dict[str, Any]]:
        return self.ask(
            "/task_runs/filter",
            {"flow_runs": {"id": {"any_": [flow_run]}}, "sort": "EXPECTED_START_TIME_ASC"},
        )

    def log_in(self, page: Any) -> None:
        """As a person does: paste the login into the page that a browser is sent to."""
        assert self.settings.prefect_auth is not None
        page.goto(self.base)
        page.get_by_role("textbox").fill(self.settings.prefect_auth.get_secret_value())
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard**")


@pytest.fixture(autouse=True, scope="module")
def no_events_go_on() -> Iterator[None]:
    """A flow of this process leaves a thread of Prefect that sends events and pings the server for ever.

    Each ping uses the global `random`, which Hypothesis finds in the modules that come next.
    """
    yield
    if "prefect.events.worker" in sys.modules:
        from prefect.events.worker import EventsWorker

        EventsWorker.drain_all(timeout=30)


@pytest.fixture
def here(prefect, world, monkeypatch) -> Iterator[None]:
    """Flows that are called in this process work in the world, and for the platform's server."""
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    from flows import about
    from nightjar.server.deploy import local_api

    server = {
        PREFECT_API_URL: local_api(prefect.settings),
        PREFECT_API_AUTH_STRING: prefect.settings.prefect_auth.get_secret_value(),
    }
    for name in ("NIGHTJAR_HOME", "NIGHTJAR_PREFECT_PORT"):
        monkeypatch.setenv(name, world.env()[name])
    about.platform.cache_clear()
    with temporary_settings(server):
        yield
    about.platform().close()
    about.platform.cache_clear()


@pytest.fixture
def done_here(here, prefect) -> Callable[..., dict[str, Any]]:
    """done_here(flow, **parameters) gives the ended run of a deployment. This process does it in the same
    way as a process of the worker, without the seconds that a new process takes to begin.
    """
    from prefect.flow_engine import run_flow

    def done(flow: str, **parameters: Any) -> dict[str, Any]:
        deployment = prefect.ask(f"/deployments/name/{flow}/flight_delay-{flow}")
        body = {"parameters": parameters, "state": {"type": "PENDING"}}  # so that the worker does not take it
        run = prefect.ask(f"/deployments/{deployment['id']}/create_flow_run", body)["id"]
        called = getattr(import_module(f"flows.{flow}"), flow)
        run_flow(called, flow_run=prefect.client.read_flow_run(run), return_type="state")
        return prefect.ended(run)

    return done


@pytest.fixture(scope="session")
def alerts() -> Iterator[Alerts]:
    with Alerts().listening() as alerts:
        yield alerts


@pytest.fixture(scope="session")
def prefect(world, alerts, pytestconfig) -> Iterator[Prefect]:
    with ExitStack() as running:
        pytestconfig.stash[RUNNING] = running
        yield running.enter_context(running_platform(world, alerts))


@contextmanager
def running_platform(world: Any, alerts: Alerts) -> Iterator[Prefect]:
    from nightjar.server.deploy import connected, local_api
    from nightjar.server.login import ensured_login

    log = world.home / "up.log"
    told = {
        "NIGHTJAR_ALERT_URL": alerts.url,
        "NIGHTJAR_LOG_FORMAT": "json",
        "NIGHTJAR_PREFECT_HOSTS": PROXY,
    }
    # A worker asks for runs every 10 s if it is not told otherwise, and each test would wait for it.
    rounds = {"PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "4", "PREFECT_WORKER_QUERY_SECONDS": "2"}
    env = {**world.env(), **told, **rounds}
    command = [NIGHTJAR, "up", "--no-champion"]  # the flows have theirs, and no test asks for another model's
    with log.open("w") as file:
        up = subprocess.Popen(command, env=env, stdout=file, stderr=file, start_new_session=True)
    try:
        deadline = time.monotonic() + 180
        while "is up" not in log.read_text():
            assert up.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        made = {"prefect_auth": ensured_login(world.platform.settings), "alert_url": SecretStr(alerts.url)}
        settings = world.platform.settings.model_copy(update=made)
        with connected(settings, local_api(settings)) as client:
            yield Prefect(settings, client)
    finally:
        up.send_signal(signal.SIGINT)
        code = up.wait(150)
        world.platform.local.start()  # `up` has stopped it, and other tests need the world
    assert code == 0, log.read_text()
    assert "everything has stopped" in log.read_text()
    written = Prefect(settings, None).written()
    secrets = made["prefect_auth"].get_secret_value(), TOKEN, *world.platform.local.passwords.values()
    assert not [secret for secret in secrets if secret in written]
