"""The whole platform on one machine: the Prefect server with its UI, a worker, all deployments. Stopped in order by Ctrl-C."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from httpx import HTTPStatusError
from prefect.client.schemas.filters import FlowRunFilter

from nightjar import console
from nightjar.bootstrap import Platform
from nightjar.core.errors import BadSettings, NightjarError, PlatformFailed
from nightjar.deploy import PREFECT, connected, deploy, environment, local_api, prefect
from nightjar.leftovers import held_by_child, note_pid, only_one
from nightjar.server.login import ensured_login, login_file
from nightjar.server.pool import POOL, TYPE
from nightjar.settings import PROJECT, Settings

SERVER_STARTS_WITHIN_S = 180
STOPS_WITHIN_S = 15
DRAINS_WITHIN_S = 120
WORKS_AT_LEAST_S = 10
"""A worker that ends sooner than this would end again."""

SERVER = [sys.executable, "-m", "nightjar.server"]
WORKER = [*PREFECT, "worker", "start", "--pool", POOL, "--type", TYPE, "--name", "nightjar-1"]


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """The one `nightjar up` of this home, on a port of its own; what a killed one left running has ended.

    Raises BadSettings if another one runs, or if something else listens on the port.
    """
    with only_one(settings.home / "run"):
        require_free(settings.prefect_port)
        yield


def run(platform: Platform) -> None:
    """Start server, deployments and worker; wait until someone stops it; drain and stop all of it again."""
    settings, api = with_login(platform.settings), local_api(platform.settings)
    env = server_environment(settings, platform.prefect_database())
    logs = settings.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for stopping in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background job would ignore it
        signal.signal(stopping, interrupted)
    with ExitStack() as stack:
        stack.callback(platform.local.stop)
        stack.callback(platform.close)
        command = [*SERVER, "--port", str(settings.prefect_port)]
        server = stack.enter_context(process("server", command, env, settings))
        wait_until_healthy(server, f"{api}/health", logs / "server.log")
        with console.waiting("deploying the flows"):
            deploy(settings, api, logs / "deploy.log")
            prefect(["work-pool", "resume", POOL], environment(settings, api), logs / "deploy.log")  # paused by our own draining
        workers = Workers(lambda: stack.enter_context(process("worker", WORKER, environment(settings, api), settings)))
        stack.callback(lambda: drain(workers.newest, settings, api, logs / "deploy.log"))
        console.out.print(f"[bold]Nightjar is up[/]: http://127.0.0.1:{settings.prefect_port}  (logs in {logs}; Ctrl-C stops everything)")
        console.out.print(f"The UI asks once for a login: paste {console.plain(where_login_is(platform.settings))}")
        watch(server, workers, logs)
    console.out.print("everything has stopped")


def require_free(port: int) -> None:
    """Raises BadSettings if something listens there: it might be healthy, and not ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise BadSettings(f"Port {port} is taken", "Stop what listens there, or name another with NIGHTJAR_PREFECT_PORT.") from None


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def with_login(settings: Settings) -> Settings:
    """With the login that server, worker and everybody else use."""
    return settings.model_copy(update={"prefect_auth": ensured_login(settings)})


def where_login_is(settings: Settings) -> str:
    if settings.prefect_auth is not None:
        return "the value of NIGHTJAR_PREFECT_AUTH"
    return f"what this prints: cat {shlex.quote(str(login_file(settings)))}"


def server_environment(settings: Settings, database: str) -> dict[str, str]:
    """What the server sees; what Prefect is told of it, `nightjar.server` decides."""
    assert settings.prefect_auth is not None  # of `with_login`
    return {
        **environment(settings, local_api(settings)),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "NIGHTJAR_PREFECT_AUTH": settings.prefect_auth.get_secret_value(),
        "NIGHTJAR_PREFECT_PORT": str(settings.prefect_port),
    }


@contextmanager
def process(
    name: str,
    command: list[str],
    env: Mapping[str, str],
    settings: Settings,
) -> Iterator[subprocess.Popen[bytes]]:
    """A Prefect process in a group of its own, so that Ctrl-C in the terminal reaches us alone and we choose the order."""
    with (settings.home / "logs" / f"{name}.log").open("ab") as log, held_by_child(settings.home / "run" / f"{name}.lock") as lock:
        started = subprocess.Popen(
            command,
            env=env,
            cwd=PROJECT,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
        note_pid(lock, started.pid)
    try:
        yield started
    finally:
        stop(started)


def stop(started: subprocess.Popen[bytes]) -> None:
    if started.poll() is None:
        started.terminate()
        try:
            started.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def wait_until_healthy(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + SERVER_STARTS_WITHIN_S
    with console.waiting("starting the Prefect server"):
        while time.monotonic() < deadline:
            if server.poll() is not None:
                raise PlatformFailed("The Prefect server", f"ended with code {server.returncode}", log)
            if healthy(url):
                return
            time.sleep(0.5)
    raise PlatformFailed("The Prefect server", f"was not healthy within {SERVER_STARTS_WITHIN_S} s", log)


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Workers:
    """The worker of the platform: another takes the place of one that was killed, but not of one that cannot run."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._start = start
        self.newest, self.since = start(), time.monotonic()

    def replace_dead(self) -> bool:
        """Whether the newest had died after a while and another was started. One that died sooner is left dead."""
        if self.newest.poll() is None or time.monotonic() - self.since < WORKS_AT_LEAST_S:
            return False
        self.newest, self.since = self._start(), time.monotonic()
        return True


def watch(server: subprocess.Popen[bytes], workers: Workers, logs: Path) -> None:
    """Wait for Ctrl-C. A server that ends, or a worker that cannot run, takes the platform down with an error that names it."""
    try:
        while True:
            worker = workers.newest
            if workers.replace_dead():
                console.out.print(f"the worker ended with code {worker.returncode}; another has taken its place")
            for name, started in (("server", server), ("worker", workers.newest)):
                if started.poll() is not None:
                    raise PlatformFailed(f"The Prefect {name}", f"ended with code {started.returncode}", logs / f"{name}.log")
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.out.print("stopping: no new runs; waiting for those under way (Ctrl-C again ends them; a retry takes them up where they were)")


def drain(worker: subprocess.Popen[bytes], settings: Settings, api: str, log: Path) -> None:
    """Pause the pool and let running flows finish: a worker that is told to stop kills them and leaves them `Running`.

    Without a worker nothing runs that could finish.
    """
    if worker.poll() is not None:
        return
    try:
        prefect(["work-pool", "pause", POOL], environment(settings, api), log)
        deadline = time.monotonic() + DRAINS_WITHIN_S
        while running_flows(settings, api) and time.monotonic() < deadline:
            time.sleep(1)
    except (KeyboardInterrupt, NightjarError, HTTPStatusError):
        console.out.print("not waiting for running flows")


def running_flows(settings: Settings, api: str) -> int:
    with connected(settings, api) as client:
        return client.count_flow_runs(flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}))
