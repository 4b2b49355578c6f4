"""The whole platform on one machine: Postgres, the Prefect server, a watcher, a worker, all deployments.

A part that ends is started again (nightjar/launcher/supervision.py). Ctrl-C stops all parts in order.
"""

import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from httpx import HTTPStatusError
from prefect.client.schemas.filters import FlowRunFilter

from nightjar.adapters.files.disk import require_room
from nightjar.adapters.notify.apprise import told
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.platform import ModelsGone, PlatformFailed
from nightjar.launcher.child_locks import only_one
from nightjar.launcher.processes import Worker, require_free, supervised
from nightjar.launcher.supervision import Supervised, until_ready, watch
from nightjar.server.deploy import connected, deploy, environment, local_api, prefect
from nightjar.server.login import ensured_login, login_file
from nightjar.server.pool import POOL
from nightjar.showing import console, remedies
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

DRAINS_WITHIN_S = 120
UNDER_WAY = ("PENDING", "RUNNING", "CANCELLING")


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Make this the only `nightjar up` of the home, and end the processes that a killed one left running.

    Raises BadSettings if another `nightjar up` runs, or if another program listens on the port.
    """
    with only_one(settings.home / "run"):
        require_free(settings.prefect_port)
        yield


def run(platform: Platform) -> None:
    """Start all parts, and restart a part that ends, until a person stops the platform. Then stop in order.

    Runs under way are drained before the stop.
    Raises PlatformFailed for a part that cannot be started, or that ends again and again.
    """
    settings, api = with_login(platform.settings), local_api(platform.settings)
    logs = settings.home / "logs"
    require_room(logs)
    obey_signals()
    platform.close()  # closes the connections of the preparation
    postgres, server, watcher, worker = supervised(platform, settings, logs)
    with ExitStack() as stack:
        for part, what in ((postgres, "Postgres"), (server, "the Prefect server")):
            stack.callback(part.stop)
            with console.waiting(f"starting {what}"):
                part.start(time.monotonic())
                until_ready(part)
        with console.waiting("deploying the flows"):
            gone = deploy(settings, api, logs / "deploy.log")
            resume = ["work-pool", "resume", POOL]  # our own draining has paused it
            prefect(resume, environment(settings, api), logs / "deploy.log")
        if gone:
            console.notice(remedies.told(ModelsGone(gone)), level="warning")
        for part in (watcher, worker):
            stack.callback(part.stop)
            part.start(time.monotonic())
        stack.callback(drain, server, worker, settings, api, logs / "deploy.log")
        console.notice(
            f"Nightjar is up: http://127.0.0.1:{settings.prefect_port}  (logs in {logs}; Ctrl-C stops "
            "everything)"
        )
        console.notice(f"The UI asks once for a login: paste {where_login_is(platform.settings)}")
        attend(settings, postgres, server, watcher, worker)
    console.notice("everything has stopped")


def obey_signals() -> None:
    """Let Ctrl-C, a service manager and the end of the terminal stop the platform, but for nohup."""
    for stopping in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background job would ignore it
        signal.signal(stopping, interrupted)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, hung_up)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def hung_up(*_: object) -> None:
    """Stop as at one Ctrl-C. The shell and the system both tell of a closed terminal, which is one order."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise KeyboardInterrupt


def with_login(settings: Settings) -> Settings:
    """Return the settings with the login that the server, the worker and all clients use."""
    return settings.model_copy(update={"prefect_auth": ensured_login(settings)})


def where_login_is(settings: Settings) -> str:
    if settings.prefect_auth is not None:
        return "the value of NIGHTJAR_PREFECT_AUTH"
    return f"what this prints: cat {shlex.quote(str(login_file(settings)))}"


def attend(settings: Settings, *parts: Supervised) -> None:
    """Supervise the parts until Ctrl-C. Report a given-up part at once: runs still get their time to end."""
    try:
        watch(parts)
    except KeyboardInterrupt:
        console.notice(
            "stopping: no new runs; waiting for those under way (Ctrl-C again ends them; a retry takes them "
            "up where they were)"
        )
    except PlatformFailed as failure:
        text = remedies.told(failure)
        console.notice(f"giving up: {text}", level="error")
        if settings.alert_url is not None and not told(settings.alert_url, "Nightjar gives up", text):
            console.notice("nobody could be told through NIGHTJAR_ALERT_URL", level="error")
        raise


def drain(server: Supervised, worker: Supervised, settings: Settings, api: str, log: Path) -> None:
    """Let runs under way end. A worker that is stopped kills its runs and leaves them `Running`."""
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
    """Return how many runs are under way.

    The server knows the runs of all workers. It does not know a process whose run was ended by force.
    """
    ours = worker.life.runs() if isinstance(worker.life, Worker) else 0
    try:
        return max(ours, running_flows(settings, api))
    except (NightjarError, HTTPStatusError):
        return ours


def running_flows(settings: Settings, api: str) -> int:
    """Return how many runs have a process, as far as the server knows.

    A run that is left `Cancelling` would wait for the next start.
    """
    of = {"state": {"type": {"any_": UNDER_WAY}}}
    with connected(settings, api) as client:
        return client.count_flow_runs(flow_run_filter=FlowRunFilter.model_validate(of))
