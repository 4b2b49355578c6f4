"""The whole platform on one machine: the Prefect server with its UI, a worker, all deployments. Stopped in order by Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nightjar import console
from nightjar.bootstrap import Platform
from nightjar.core.errors import BadSettings, PlatformFailed
from nightjar.settings import PROJECT

POOL = "nightjar"
SERVER_STARTS_WITHIN_S = 180
STOPS_WITHIN_S = 15
DRAINS_WITHIN_S = 120


def run(platform: Platform) -> None:
    """Start server, deployments and worker; wait until someone stops it; drain and stop all of it again."""
    env = environment(platform)
    logs = platform.settings.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for stopping in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background job would ignore it
        signal.signal(stopping, interrupted)
    with ExitStack() as stack:
        stack.callback(platform.local.stop)
        stack.callback(platform.close)
        server = stack.enter_context(
            process("server", ["server", "start", "--host", "127.0.0.1", "--port", str(platform.settings.prefect_port)], env, logs)
        )
        wait_until_healthy(server, env, logs / "server.log")
        deploy(env, logs / "deploy.log")
        worker = stack.enter_context(process("worker", ["worker", "start", "--pool", POOL, "--name", "nightjar-1"], env, logs))
        stack.callback(drain, env, logs / "deploy.log")
        console.out.print(f"[bold]Nightjar is up[/]: http://127.0.0.1:{platform.settings.prefect_port}  (logs in {logs}; Ctrl-C stops everything)")
        watch({"server": server, "worker": worker}, logs)
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


def environment(platform: Platform) -> dict[str, str]:
    """What the server, the worker and the runs it starts see: this process's environment and Prefect's settings for this machine."""
    base = f"http://127.0.0.1:{platform.settings.prefect_port}"
    return {
        **os.environ,
        "PREFECT_API_URL": f"{base}/api",
        "PREFECT_UI_API_URL": "/api",
        "PREFECT_UI_URL": base,
        "PREFECT_HOME": str(platform.settings.home / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": platform.prefect_database(),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "nightjar",
        "DO_NOT_TRACK": "1",
    }


@contextmanager
def process(name: str, arguments: list[str], env: Mapping[str, str], logs: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Prefect process in a group of its own, so that Ctrl-C in the terminal reaches us alone and we choose the order."""
    with (logs / f"{name}.log").open("ab") as log:
        started = subprocess.Popen(
            [*PREFECT, *arguments], env=env, cwd=PROJECT, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield started
        finally:
            stop(started)


PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")


def stop(started: subprocess.Popen[bytes]) -> None:
    if started.poll() is None:
        started.terminate()
        try:
            started.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def wait_until_healthy(server: subprocess.Popen[bytes], env: Mapping[str, str], log: Path) -> None:
    deadline = time.monotonic() + SERVER_STARTS_WITHIN_S
    with console.waiting("starting the Prefect server"):
        while time.monotonic() < deadline:
            if server.poll() is not None:
                raise PlatformFailed("The Prefect server", f"ended with code {server.returncode}", log)
            if healthy(f"{env['PREFECT_API_URL']}/health"):
                return
            time.sleep(0.5)
    raise PlatformFailed("The Prefect server", f"was not healthy within {SERVER_STARTS_WITHIN_S} s", log)


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def deploy(env: Mapping[str, str], log: Path) -> None:
    """Make the work pool and deploy what prefect.yaml names. Doing it again changes nothing."""
    with console.waiting("deploying the flows"):
        prefect(["work-pool", "create", POOL, "--type", "process", "--overwrite"], env, log)
        prefect(["work-pool", "resume", POOL], env, log)
        prefect(["deploy", "--all"], env, log)


def prefect(arguments: list[str], env: Mapping[str, str], log: Path) -> None:
    done = subprocess.run([*PREFECT, *arguments], env=env, cwd=PROJECT, capture_output=True, text=True, check=False)
    with log.open("a") as file:
        file.write(f"$ prefect {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    if done.returncode != 0:
        raise PlatformFailed(f"`prefect {' '.join(arguments)}`", f"ended with code {done.returncode}", log)


def watch(processes: Mapping[str, subprocess.Popen[bytes]], logs: Path) -> None:
    """Wait for Ctrl-C; a process that ends on its own takes the platform down with an error that names it."""
    try:
        while True:
            for name, started in processes.items():
                if started.poll() is not None:
                    raise PlatformFailed(f"The Prefect {name}", f"ended with code {started.returncode}", logs / f"{name}.log")
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.out.print("stopping: no new runs; waiting for those under way (Ctrl-C again ends them; a retry takes them up where they were)")


def drain(env: Mapping[str, str], log: Path) -> None:
    """Pause the pool and let running flows finish: a worker that is told to stop kills them and leaves them `Running` for ever."""
    try:
        prefect(["work-pool", "pause", POOL], env, log)
        deadline = time.monotonic() + DRAINS_WITHIN_S
        while running_flows(env) and time.monotonic() < deadline:
            time.sleep(1)
    except (KeyboardInterrupt, PlatformFailed, OSError):
        console.out.print("not waiting for running flows")


def running_flows(env: Mapping[str, str]) -> int:
    body = b'{"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}}'
    request = urllib.request.Request(f"{env['PREFECT_API_URL']}/flow_runs/count", body, {"Content-Type": "application/json"})  # noqa: S310  # loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # loopback
        return int(answer.read())
