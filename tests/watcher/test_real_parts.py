"""What is gone is told once, and once when it is back: by real HTTP and mail, whatever else is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import httpx
import psycopg
import pytest
from pydantic import SecretStr

import models
from db.listening import Listener, listening
from db.locks import exclusive
from nightjar.server import workers
from nightjar.testing.specs import toy_spec
from nightjar.watcher import loop, outage
from nightjar.watcher.loop import Watcher, one_round, survive, watcher_of
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import PROJECT, Settings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
MINUTE = timedelta(minutes=1)
LOGIN = "nightjar:secret"


@dataclass
class HealthAlone:
    """A server that answers as the health of a Prefect server does, and nothing else."""

    port: int
    server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/api/health" else 404)
                self.end_headers()

            # the name is the base class's
            def log_message(self, format: str, *arguments: object) -> None: ...  # noqa: A002

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def kill(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@dataclass
class PrefectServer:
    """A real one, as the platform starts it."""

    port: int
    home: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")},
            "NIGHTJAR_PREFECT_AUTH": LOGIN,
            "NIGHTJAR_HOME": str(self.home),
            "PREFECT_HOME": str(self.home / "prefect"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nightjar.server", "--port", str(self.port)], env=environment
        )
        deadline = time.monotonic() + 90
        while not self.answers():
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/health", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None


@pytest.fixture(params=["health alone", pytest.param("prefect", marks=pytest.mark.chaos)])
def server(request, unused_port, tmp_path, monkeypatch):
    port = unused_port()
    server = HealthAlone(port) if request.param == "health alone" else PrefectServer(port, tmp_path)
    if request.param == "health alone":  # it can say nothing of workers, which Prefect's client finds slowly
        monkeypatch.setattr(workers, "lacking_worker", lambda *_: None)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def platform(database, tmp_path, monkeypatch, receiver, mailbox):
    """Told are a webhook and a mailbox."""
    monkeypatch.setattr(models, "MODELS", {"toy": toy_spec()})
    monkeypatch.setattr(models, "NAMES", ("toy",))
    settings = Settings(
        database_url=database.url("owner"),
        writer_password=database.server.passwords["writer"],
        home=tmp_path,
        prefect_auth=SecretStr(LOGIN),
        alert_urls=SecretStr(f"critical=webhook+{receiver.url} critical={mailbox.url}"),
        ui_url="https://ui.example",
        _env_file=None,
    )
    opened = Platform(settings)
    yield opened
    opened.close()


class Minutes:
    """Rounds of some watchers, all of them once a minute, by a clock of its own."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.now = platform, datetime.now(UTC)
        self.sessions = ExitStack()
        self.listeners: dict[int, Listener] = {}

    def starts(self, api: str | None) -> Watcher:
        watcher = watcher_of(self.platform, api)
        session = self.sessions.enter_context(listening(self.platform.url("writer")))
        self.listeners[id(watcher)] = session
        return watcher

    def kill(self, watcher: Watcher) -> None:
        self.listeners.pop(id(watcher)).connection.close()

    def pass_by(self, minutes: int, *watchers: Watcher) -> None:
        people = self.platform.tell_people()
        for _ in range(minutes):
            self.now += MINUTE
            for watcher in watchers:
                watcher.lead(self.listeners[id(watcher)].leads())
                one_round(watcher, lambda _: None, people, self.now)


@pytest.fixture
def minutes(platform):
    minutes = Minutes(platform)
    with minutes.sessions:
        yield minutes


def titles(receiver, what: str) -> list[str]:
    return [body["title"] for body in receiver.bodies if what in body["title"]]


BEGAN, OVER = "Nightjar critical: server gone", "Nightjar over: server gone"


def test_a_server_that_is_killed_is_told_once_by_two_watchers_of_which_one_is_killed_too(
    minutes, server, receiver, mailbox
):
    api = f"http://127.0.0.1:{server.port}/api"
    first, second = minutes.starts(api), minutes.starts(api)
    minutes.pass_by(1, first, second)
    assert titles(receiver, "server gone") == []
    server.kill()
    minutes.pass_by(3, first, second)
    assert titles(receiver, "server gone") == [BEGAN]
    (mail,) = [mail for mail in mailbox.mails if "server gone" in mail]
    assert "https://ui.example/desk/runbook-pages/platform-failed.html" in mail.replace("=\r\n", "")
    minutes.kill(first)
    another = minutes.starts(api)
    minutes.pass_by(3, another, second)
    assert titles(receiver, "server gone") == [BEGAN]
    server.start()
    minutes.pass_by(3, another, second)
    assert titles(receiver, "server gone") == [BEGAN, OVER]
    assert len([mail for mail in mailbox.mails if "server gone" in mail]) == 2


def test_a_second_watcher_that_sees_less_ends_nothing_that_the_first_one_sees(minutes, server, receiver):
    api = f"http://127.0.0.1:{server.port}/api"
    first, second = minutes.starts(api), minutes.starts(None)
    server.kill()
    minutes.pass_by(10, first, second)
    assert titles(receiver, "server gone") == [BEGAN]


WATCHER = """
import sys
from datetime import timedelta
import models
from nightjar.core.telling import rules
from nightjar.server import workers
from nightjar.watcher import loop
from nightjar.wiring.platform import Platform

models.MODELS, models.NAMES = {}, ()
rules.SILENT_FOR, loop.LOOKS_EVERY, loop.ROUND_S = timedelta(0), timedelta(seconds=0.1), 0.05
workers.lacking_worker = lambda *_: None
loop.rounds_without_end(loop.watcher_of(Platform(), sys.argv[1]))
"""
"""The real one, in a hurry."""


@contextmanager
def processes(platform: Platform, api: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start watchers, each in a process of its own."""
    settings = platform.settings
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")},
        "NIGHTJAR_DATABASE_URL": settings.database_url.get_secret_value(),
        "NIGHTJAR_WRITER_PASSWORD": settings.writer_password.get_secret_value(),
        "NIGHTJAR_ALERT_URLS": settings.alert_urls.get_secret_value(),
        "NIGHTJAR_HOME": str(settings.home),
    }
    with ExitStack() as started:

        def start() -> subprocess.Popen[bytes]:
            process = started.enter_context(
                subprocess.Popen([sys.executable, "-c", WATCHER, api], env=environment, cwd=PROJECT)
            )
            started.callback(process.kill)
            return process

        yield start


LEADS = """
    SELECT count(*) FROM pg_locks
    WHERE granted AND (classid::bigint << 32 | objid::bigint) = hashtextextended('nightjar watcher', 0)
"""
ASKED = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%nightjar watcher%' AND state = 'idle'
"""
NOTED = "SELECT count(*) FROM nightjar.incident"


@pytest.mark.chaos  # two processes that import everything; above, two watchers of this process do the same
def test_two_processes_tell_once_though_the_one_that_noted_is_killed_before_it_tells(
    platform, database, receiver, mailbox, unused_port
):
    server = HealthAlone(unused_port())
    server.start()

    def counted(query: str, *, at_least: int = 1) -> Callable[[], bool]:
        def found() -> bool:
            with psycopg.connect(database.server.url("admin", database.name)) as admin:
                return admin.execute(query).fetchone()[0] >= at_least

        return found

    with processes(platform, f"http://127.0.0.1:{server.port}/api") as start:
        first = start()
        until(counted(LEADS))
        start()
        until(counted(ASKED, at_least=2))
        with exclusive(platform.engine, *map("channel {}".format, platform.ways_to_people()), wait_s=10):
            server.kill()
            until(counted(NOTED))
            first.kill()
            first.wait()
        until(lambda: len(receiver.heard) == 1 and len(mailbox.mails) == 1)
        until(counted(LEADS))
        time.sleep(1)  # the other looks several times
        server.start()
        until(lambda: len(receiver.heard) == 2 and len(mailbox.mails) == 2)
        time.sleep(1)
    server.kill()
    assert [body["title"] for body in receiver.bodies] == [BEGAN, OVER]
    assert len(mailbox.mails) == 2


def cut(database, change: str = "RESET ALL") -> None:
    """Change the database, and end all its sessions, so that everybody sees it."""
    with psycopg.connect(database.server.url("admin", "postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database.name} {change}")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database.name]
        )


READ_ONLY = ("SET default_transaction_read_only = on", "RESET ALL")
"""As a standby is."""
CLOSED = ("ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true")


def until(found, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


BEGAN_AND_ENDED = ["Nightjar critical: watcher sees nothing", "Nightjar over: watcher sees nothing"]


@contextmanager
def rounds_of(watcher: Watcher, database) -> Iterator[None]:
    """In a thread, after a first look."""
    over = Event()

    def watch() -> None:
        while not over.is_set():
            survive(watcher)
            over.wait(0.02)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        until(lambda: watcher.looked_at is not None)
        yield
    finally:
        over.set()
        cut(database)  # its last round ends
        thread.join(20)


@pytest.mark.parametrize(("broken", "mended"), [CLOSED, READ_ONLY], ids=["closed", "read only"])
def test_a_database_that_cannot_be_used_is_told_from_memory_once_and_once_when_it_is_back(
    platform, database, receiver, mailbox, monkeypatch, broken, mended
):
    monkeypatch.setattr(loop, "ROUND_S", 0.05)
    monkeypatch.setattr(outage, "TOLD_AFTER", timedelta(seconds=0.2))
    with rounds_of(watcher_of(platform, None), database):
        receiver.statuses = [500, 500]  # it takes the third attempt
        cut(database, broken)
        until(lambda: len(receiver.heard) == 3 and len(mailbox.mails) == 1)
        time.sleep(0.3)
        cut(database, mended)
        until(lambda: len(receiver.heard) == 4 and len(mailbox.mails) == 2)
        time.sleep(0.3)
    assert [body["title"] for body in receiver.bodies][2:] == BEGAN_AND_ENDED
    assert len(mailbox.mails) == 2


def test_a_database_that_hangs_is_told_once_and_once_when_it_answers_again(
    platform, database, receiver, mailbox, monkeypatch
):
    monkeypatch.setattr(loop, "ROUND_S", 0.05)
    monkeypatch.setattr(loop, "ROUND_ENDS_WITHIN", timedelta(seconds=0.5))
    monkeypatch.setattr(outage, "TOLD_AFTER", timedelta(seconds=0.2))
    watcher = watcher_of(platform, None)

    def told() -> int:
        watcher.tell_if_stuck(datetime.now(UTC))
        return len(receiver.heard)

    with rounds_of(watcher, database):
        with hanging(database):
            until(lambda: told() == 1)
            time.sleep(0.3)
            assert told() == 1
        until(lambda: told() == 2)
        until(lambda: watcher.outage.since is None)  # a slow round looks like another outage until it ends
    assert [body["title"] for body in receiver.bodies] == BEGAN_AND_ENDED
    assert len(mailbox.mails) == 2


@contextmanager
def hanging(database) -> Iterator[None]:
    """The server takes nobody in, and all sessions of the database keep their connections and say nothing."""
    stopped: list[int] = []

    def send(what: signal.Signals, pid: int) -> None:
        with suppress(ProcessLookupError):  # a session that has ended meanwhile
            os.kill(pid, what)

    with psycopg.connect(database.server.url("admin", "postgres"), autocommit=True) as admin:
        (noted,) = admin.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
        try:
            stopped.append(int(noted.splitlines()[0]))
            send(signal.SIGSTOP, stopped[0])
            sessions = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
            for (pid,) in admin.execute(sessions, [database.name]).fetchall():
                stopped.append(pid)
                send(signal.SIGSTOP, pid)
            yield
        finally:
            for pid in stopped:
                send(signal.SIGCONT, pid)
