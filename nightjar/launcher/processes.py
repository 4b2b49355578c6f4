"""The parts of the platform on one machine: the embedded Postgres, the Prefect server, watcher and worker."""

import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from nightjar.adapters.files.disk import require_room
from nightjar.core.errors.settings import BadSettings
from nightjar.launcher.children import Child
from nightjar.launcher.supervision import Supervised
from nightjar.server.deploy import PREFECT, environment, local_api
from nightjar.server.pool import POOL, TYPE
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

SERVER_ANSWERS_WITHIN_S = 180
ASKED_EVERY_S = 5

SERVER = [sys.executable, "-m", "nightjar.server"]
WATCHER = [sys.executable, "-m", "nightjar.watcher"]
WORKER = [*PREFECT, "worker", "start", "--pool", POOL, "--type", TYPE, "--name", "nightjar-1"]


def supervised(
    platform: Platform, settings: Settings, logs: Path
) -> tuple[Supervised, Supervised, Supervised, Supervised]:
    """Return Postgres, the server and the watcher, which need Postgres, and the worker.

    The worker needs the server. The watcher does not: it tells that the server is gone.
    """
    postgres = Supervised("The embedded Postgres", lambda: Postgres(platform), log=platform.local.log_folder)
    server = Supervised(
        "The Prefect server", lambda: Server(platform, settings), log=logs / "server.log", needs=[postgres]
    )
    worker = Supervised(
        "The Prefect worker", lambda: Worker(settings), log=logs / "worker.log", needs=[server]
    )
    watcher = Supervised("The watcher", lambda: Watcher(settings), log=logs / "watcher.log", needs=[postgres])
    return postgres, server, watcher, worker


class Postgres:
    """The embedded Postgres. It is not our child process: any command may have started it.

    So once it has ended there is nothing to stop: what runs then is the server of another command.
    """

    def __init__(self, platform: Platform) -> None:
        self._local, self._ended = platform.local, False
        self._local.start()

    def ended(self) -> str | None:
        self._ended = self._ended or not self._local.alive
        return "ended" if self._ended else None

    def ready(self) -> bool:
        return self._local.alive

    def stop(self) -> None:
        if not self._ended:
            self._local.stop()


class Server(Child):
    """The Prefect server.

    It counts as ended if it stops answering, or if its database moved to another port.
    """

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


class Watcher(Child):
    def __init__(self, settings: Settings) -> None:
        super().__init__("watcher", WATCHER, environment(settings, local_api(settings)), settings)


class Worker(Child):
    def __init__(self, settings: Settings) -> None:
        super().__init__("worker", WORKER, environment(settings, local_api(settings)), settings)

    def runs(self) -> int:
        """Return how many flow runs it has. Each is its own process."""
        try:
            return len(psutil.Process(self.process.pid).children())
        except psutil.NoSuchProcess:
            return 0


def server_environment(settings: Settings, database: str) -> dict[str, str]:
    """Return the server's environment. `nightjar.server` derives Prefect's settings from it."""
    assert settings.prefect_auth is not None  # `with_login` sets it
    return {
        **environment(settings, local_api(settings)),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "NIGHTJAR_PREFECT_AUTH": settings.prefect_auth.get_secret_value(),
        "NIGHTJAR_PREFECT_PORT": str(settings.prefect_port),
    }


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def require_free(port: int) -> None:
    """Raises BadSettings if a program listens there: a healthy answer could come from a foreign program.

    So it does if this account may not listen there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise BadSettings(
                f"This account may not listen on port {port}",
                "Name one of 1024 or above with NIGHTJAR_PREFECT_PORT.",
            ) from None
        except OSError:
            raise BadSettings(
                f"Port {port} is taken",
                "Stop what listens there, or name another with NIGHTJAR_PREFECT_PORT.",
            ) from None
