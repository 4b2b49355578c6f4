"""The whole platform on one machine: Postgres, the Prefect server with its UI, a worker, all deployments.

What ends is started again (nightjar/supervision.py). Ctrl-C stops everything, in order.
"""

import shlex
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
from httpx import HTTPStatusError
from prefect.client.schemas.filters import FlowRunFilter

from nightjar import console
from nightjar.alert import told
from nightjar.bootstrap import Platform
from nightjar.children import Child
from nightjar.core.errors import BadSettings, NightjarError, PlatformFailed
from nightjar.deploy import PREFECT, connected, deploy, environment, local_api, prefect
from nightjar.disk import require_room
from nightjar.leftovers import only_one
from nightjar.server.login import ensured_login, login_file
from nightjar.server.pool import POOL, TYPE
from nightjar.settings import Settings
from nightjar.supervision import Supervised, until_ready, watch

SERVER_ANSWERS_WITHIN_S = 180
ASKED_EVERY_S = 5
DRAINS_WITHIN_S = 120

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
    """Start everything, start again what ends, until someone stops it; drain and stop all of it in order.

    Raises PlatformFailed for what cannot be started, or ends again and again.
    """
    settings, api = with_login(platform.settings), local_api(platform.settings)
    logs = settings.home / "logs"
    require_room(logs)
    for stopping in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background job would ignore it
        signal.signal(stopping, interrupted)
    platform.close()  # the connections by which everything was prepared
    postgres, server, worker = parts(platform, settings, logs)
    with ExitStack() as stack:
        for part, what in ((postgres, "Postgres"), (server, "the Prefect server")):
            stack.callback(part.stop)
            with console.waiting(f"starting {what}"):
                part.start(time.monotonic())
                until_ready(part)
        with console.waiting("deploying the flows"):
            deploy(settings, api, logs / "deploy.log")
            resume = ["work-pool", "resume", POOL]  # our own draining has paused it
            prefect(resume, environment(settings, api), logs / "deploy.log")
        stack.callback(worker.stop)
        worker.start(time.monotonic())
        stack.callback(drain, server, worker, settings, api, logs / "deploy.log")
        console.notice(f"Nightjar is up: http://127.0.0.1:{settings.prefect_port}  (logs in {logs}; Ctrl-C stops everything)")
        console.notice(f"The UI asks once for a login: paste {where_login_is(platform.settings)}")
        attend(settings, postgres, server, worker)
    console.notice("everything has stopped")


def parts(platform: Platform, settings: Settings, logs: Path) -> tuple[Supervised, Supervised, Supervised]:
    """Postgres, the server that needs it, and the worker that needs the server."""
    postgres = Supervised("The embedded Postgres", lambda: Postgres(platform), log=platform.local.log_folder)
    server = Supervised("The Prefect server", lambda: Server(platform, settings), log=logs / "server.log", needs=[postgres])
    worker = Supervised("The Prefect worker", lambda: Worker(settings), log=logs / "worker.log", needs=[server])
    return postgres, server, worker


class Postgres:
    """The embedded Postgres, which is no child of ours: any command may have started it."""

    def __init__(self, platform: Platform) -> None:
        self._local = platform.local
        self._local.start()

    def ended(self) -> str | None:
        return None if self._local.alive else "ended"

    def ready(self) -> bool:
        return self._local.alive

    def stop(self) -> None:
        self._local.stop()


class Server(Child):
    """The Prefect server. One that stops answering, or whose database moved to another port, counts as ended."""

    def __init__(self, platform: Platform, settings: Settings) -> None:
        require_free(settings.prefect_port)
        require_room(settings.home / "prefect")
        env = server_environment(settings, platform.prefect_database())
        self._local, self._port = platform.local, platform.local.port
        self._health, self._answers = f"{local_api(settings)}/health", False
        self._asked = self._heard = time.monotonic()
        super().__init__("server", [*SERVER, "--port", str(settings.prefect_port)], env, settings)

    def ended(self) -> str | None:
        if self._local.port != self._port:
            return "has lost its database, which has another port now"
        return super().ended() or self._silent()

    def ready(self) -> bool:
        return super().ready() and self._answers

    def _silent(self) -> str | None:
        now = time.monotonic()
        if not self._answers or now - self._asked > ASKED_EVERY_S:
            self._asked, self._answers = now, healthy(self._health)
            self._heard = now if self._answers else self._heard
        late = now - self._heard > SERVER_ANSWERS_WITHIN_S
        return f"did not answer for {SERVER_ANSWERS_WITHIN_S} s" if late else None


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


class Worker(Child):
    def __init__(self, settings: Settings) -> None:
        super().__init__("worker", WORKER, environment(settings, local_api(settings)), settings)

    def runs(self) -> int:
        """How many flow runs it has: each is a process of its own."""
        try:
            return len(psutil.Process(self.process.pid).children())
        except psutil.NoSuchProcess:
            return 0


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def attend(settings: Settings, *supervised: Supervised) -> None:
    """Until Ctrl-C. What is given up is told at once: runs under way still get their time to end."""
    try:
        watch(supervised)
    except KeyboardInterrupt:
        console.notice("stopping: no new runs; waiting for those under way (Ctrl-C again ends them; a retry takes them up where they were)")
    except PlatformFailed as failure:
        console.notice(f"giving up: {failure}", level="error")
        if settings.alert_url is not None and not told(settings.alert_url, "Nightjar gives up", str(failure)):
            console.notice("nobody could be told through NIGHTJAR_ALERT_URL", level="error")
        raise


def drain(server: Supervised, worker: Supervised, settings: Settings, api: str, log: Path) -> None:
    """Let runs under way end: a worker that is told to stop kills them and leaves them `Running`."""
    try:
        with suppress(PlatformFailed):
            if server.ready:
                prefect(["work-pool", "pause", POOL], environment(settings, api), log)
        deadline = time.monotonic() + DRAINS_WITHIN_S
        while under_way(worker, settings, api) and time.monotonic() < deadline:
            time.sleep(1)
    except KeyboardInterrupt:
        console.notice("not waiting for running flows")


def under_way(worker: Supervised, settings: Settings, api: str) -> int:
    """How many runs there are: those of all workers, or of ours alone where no server can tell."""
    try:
        return running_flows(settings, api)
    except (NightjarError, HTTPStatusError):
        return worker.life.runs() if isinstance(worker.life, Worker) else 0


def running_flows(settings: Settings, api: str) -> int:
    with connected(settings, api) as client:
        return client.count_flow_runs(flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}))
