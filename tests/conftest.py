"""What all tests share: one real Postgres, a migrated database of its own for each test that asks, and a
world with flights and a champion.
"""

import atexit
import gc
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

if sys.dont_write_bytecode:
    # Some machines keep no compiled modules. Each of the hundred processes of the tests would then compile
    # 2,000 of them, which takes 2 to 5 s. So they are kept here, beside the libraries.
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(Path(sys.prefix) / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads of a learner that wait do so asleep

import hypothesis
import psutil
import psycopg
import pytest
import structlog
from harness.lines import told
from harness.nursery import Nursery
from harness.once import made_once
from pyarrow.fs import S3FileSystem
from xdist.scheduler import LoadFileScheduling

import models
from db.server.embedded import EmbeddedPostgres, Role
from nightjar.core.night.clock import evening_by_now
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

hypothesis.settings.register_profile("nightjar", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("nightjar")

# What is logged in tests goes nowhere but into the report of one that fails. Rich draws a traceback with all
# that is in its frames, which takes longer than the night that failed.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

os.environ["NIGHTJAR_MODEL"] = "flight_delay"  # the commands of the tests are about it if they name none
# Not in each new world are 35 nights read, but in test_rehearsal.py and in tests/scaffold.
os.environ["NIGHTJAR_REHEARSE"] = "false"

MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30


def roomy(folder: Path) -> bool:
    """Whether the files of the tests fit in it and in memory, and programs may be run from there."""
    if not folder.is_dir() or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    return min(shutil.disk_usage(folder).free, psutil.virtual_memory().available) > ROOM


if "TMPDIR" not in os.environ and roomy(MEMORY):
    # A fresh database is 600 files. To make them takes 2 to 20 times as long on a disk as in memory.
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="tests-", dir=MEMORY)
    Path(tempfile.tempdir).chmod(0o755)  # root runs servers as another account
    atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)  # the other processes have it too


def pytest_addoption(parser: pytest.Parser) -> None:
    """Here, because pytest asks the conftests of folders too late for the command line."""
    chaos = parser.getgroup("chaos")
    chaos.addoption(
        "--chaos-minutes",
        type=float,
        default=1.0,
        help="How long readers and writers run together in the chaos suite (default: 1).",
    )
    chaos.addoption(
        "--chaos-seed",
        type=int,
        default=None,
        help="Repeat the random blows of an earlier run; each run prints its own.",
    )


PLATFORM = "tests/flows/"
SHARING = {
    PLATFORM: "a platform",
    "tests/models/": "the worlds of the models",
    "tests/cli/": "a process that bears commands",
    "tests/test_secrets.py": "a process that bears commands",
    "tests/wiring/test_logs.py": "a process that bears commands",
    "tests/adapters/test_evidently_workspace.py": "Evidently",
    "tests/adapters/test_reports.py": "Evidently",
}
"""What tests share that takes seconds to make. They run in one process, which makes it once."""


class ByModule(LoadFileScheduling):
    """In several processes (`-n 2`) a module stays in one, and so do modules that share."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (what for place, what in SHARING.items() if nodeid.startswith(place))
        return next(shared, nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    return ByModule(config, log)


TRIED = 5
"""On ordinary days a property is tried on one of so many of its examples. Each run draws other ones."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """The long run (`-m chaos`) tries the properties too, on all of their examples."""
    test = getattr(item, "function", None)
    if hypothesis.is_hypothesis_test(test):
        if item.config.option.markexpr == "chaos":
            item.add_marker("chaos")
        elif not hasattr(test, "tried_less"):
            test.tried_less = True
            wanted = getattr(test, "_hypothesis_internal_use_settings", None) or hypothesis.settings.default
            fewer = hypothesis.settings(wanted, max_examples=-(-wanted.max_examples // TRIED))
            test._hypothesis_internal_use_settings = fewer  # what the decorator of settings sets


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of the platform come first and together: they mostly wait, take longest, and share it."""
    items.sort(key=lambda item: not item.nodeid.startswith(PLATFORM))


def pytest_collection_finish() -> None:
    """What was imported stays. Without this, Python looks through a million objects again and again."""
    gc.freeze()


SHARED = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.stash[SHARED] = Path(config.workerinput["shared"])
    else:
        config.stash[SHARED] = Path(tempfile.mkdtemp(prefix="nightjar-shared-"))
        config.stash[SHARED].chmod(0o755)  # root runs servers as another account


def pytest_configure_node(node: Any) -> None:
    node.workerinput["shared"] = str(node.config.stash[SHARED])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[SHARED])


TEMPLATE = "nightjar_template"
FASTER = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "logging_collector": "off",
    "scram_iterations": "1",  # a client hashes so often for each of thousands of connections
}


@dataclass(frozen=True, slots=True)
class Database:
    """A fresh database at the newest migration, with roles and views."""

    server: EmbeddedPostgres
    name: str

    def url(self, role: Role) -> str:
        return self.server.url(role, self.name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    home = Path(tempfile.mkdtemp(prefix="nightjar-test-"))
    home.chmod(0o755)  # root runs the server as another account
    server = EmbeddedPostgres(home, settings=FASTER)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        server.remove()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    from db.migrate import upgrade
    from db.server.roles import ensure_roles

    postgres.ensure_database(TEMPLATE)
    ensure_roles(postgres.url("admin", TEMPLATE), postgres.passwords)
    upgrade(postgres.url("owner", TEMPLATE))
    return TEMPLATE


LET_IN = (
    "ALTER DATABASE {} OWNER TO nightjar_owner",
    "REVOKE ALL ON DATABASE {} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {} TO nightjar_writer, nightjar_analyst",
    "GRANT TEMPORARY ON DATABASE {} TO nightjar_writer",
)
"""Who may connect is not copied from the template. `ensure_roles` has given it, and all else, there."""


DONE_WITH: list[str] = []
"""Databases that the next one replaces. To drop one whose last sessions are just ending takes 0.1 s more."""


@contextmanager
def _fresh(server: EmbeddedPostgres, template: str) -> Iterator[Database]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url("admin", "postgres"), autocommit=True) as admin:
        while DONE_WITH:
            admin.execute(f"DROP DATABASE {DONE_WITH.pop()} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        for statement in LET_IN:
            admin.execute(statement.format(name))
        yield Database(server, name)
        DONE_WITH.append(name)


@pytest.fixture(scope="session")
def copied_database(postgres: EmbeddedPostgres) -> Callable[[str], AbstractContextManager[Database]]:
    """What gives a copy of a database of that name, to which nobody may be connected then."""
    return partial(_fresh, postgres)


@pytest.fixture
def database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    with _fresh(postgres, template) as database:
        yield database


@pytest.fixture(scope="module")
def shared_database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """One for all tests of a module: for those that only look."""
    with _fresh(postgres, template) as database:
        yield database


TODAY = date(2013, 3, 15)
NIGHTJAR = Path(sys.executable).with_name("nightjar")


@dataclass(frozen=True)
class CommandLine:
    """`nightjar` in a process of its own, born in milliseconds.

    Not in this one: it runs threads of many libraries by now, and none of them may read the environment while
    it is exchanged.
    """

    nursery: Nursery

    def run(self, *words: str, everything_logged: bool = False, **environment: str) -> tuple[int, str]:
        """Exit code, and all that was printed.

        environment: beside what this process has, except its own NIGHTJAR_ variables. The model is kept.
        """
        return self.order(
            "harness.line", **self.line(words, environment, everything_logged=everything_logged)
        )

    def run_each(self, lines: Iterable[dict[str, Any]]) -> list[tuple[int, str]]:
        """The same of several commands in one process. Only the last of them may become another program.

        lines: what `line` gives.
        """
        return told(*self.order("harness.lines", lines=[*lines]))

    def line(
        self, words: Iterable[str], environment: Mapping[str, str], *, everything_logged: bool = False
    ) -> dict[str, Any]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
        clean |= {name: os.environ[name] for name in ("NIGHTJAR_MODEL", "NIGHTJAR_REHEARSE")}
        return {"argv": [*words], "environment": {**clean, **environment}, "everything": everything_logged}

    def order(self, module: str, **order: Any) -> tuple[int, str]:
        """Exit code, and all that was printed, of another module of the harness."""
        child = self.nursery.start(module, **order)
        code = child.wait(60)
        said = child.said()
        child.log.unlink()
        assert code is not None, f"still running after a minute: {order} {said}"
        return code, said


@pytest.fixture(scope="session")
def command_line() -> Iterator[CommandLine]:
    with tempfile.TemporaryDirectory(prefix="nightjar-said-") as logs:
        nursery = Nursery(Path(logs))
        yield CommandLine(nursery)
        nursery.close()


QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]


@pytest.fixture(scope="session")
def browsing() -> Callable[..., AbstractContextManager[Any]]:
    """A page of a real browser, with more flags if given."""
    pytest.importorskip("playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    @contextmanager
    def browse(*flags: str) -> Iterator[Any]:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *flags])
            yield browser.new_page(viewport={"width": 1400, "height": 900})
            browser.close()

    return browse


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture(scope="session")
def unused_port() -> Callable[[], int]:
    return free_port


@dataclass
class Receiver:
    """A real HTTP server on loopback. It answers with `statuses`, and when they are used up with 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.heard]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    heard = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            heard.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(heard.statuses.pop(0) if heard.statuses else 200)
            self.end_headers()

        do_GET = do_POST  # noqa: N815  # likewise

        # the name is the base class's
        def log_message(self, format: str, *arguments: Any) -> None: ...  # noqa: A002

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.url = f"http://127.0.0.1:{server.server_port}/t0ken"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield heard
        server.shutdown()


class Mailbox(socketserver.ThreadingTCPServer):
    """An SMTP server that takes every mail."""

    daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[str] = []
        super().__init__(("127.0.0.1", 0), Session)

    @property
    def url(self) -> str:
        return (
            f"mailto://127.0.0.1:{self.server_address[1]}/?from=n@example.org&to=a@example.org&mode=insecure"
        )


class Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.wfile.write(b"354 go\r\n")
                self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
            if word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 ok\r\n")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@dataclass(frozen=True)
class World:
    home: Path
    platform: Platform

    def command(self, *arguments: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [NIGHTJAR, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=self.env(),
        )

    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "NIGHTJAR_HOME": str(self.home),
            "NIGHTJAR_PREFECT_PORT": str(self.platform.settings.prefect_port),
        }

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


def furnish(platform: Platform) -> None:
    """Land ten weeks of real flights, and train a champion on them."""
    spec = models.model("flight_delay")
    platform.migrate()
    platform.apply_features()
    platform.prepare(spec).ready(evening_by_now(spec, TODAY))
    trained = platform.retrain(spec, TODAY)
    if not trained.promoted:
        platform.registry.promote(
            trained.version,
            "champion",
            "ten weeks of history are too few for the gates; the flows need one all the same",
        )


@pytest.fixture(scope="session")
def furnished() -> Callable[[Platform], None]:
    """What gives another platform the same flights and champion as the world has."""
    return furnish


def make_world(home: Path) -> None:
    platform = Platform(Settings(home=home, _env_file=None))
    try:
        furnish(platform)
    finally:
        platform.close()
        platform.local.stop()


@contextmanager
def copied_world(shared: Path) -> Iterator[World]:
    """A world takes many seconds to make. So it is made once, and everybody has a copy."""
    made = made_once(shared / "world", make_world)
    assert not (made / "postgres" / "place").exists(), f"its server's data are not in it: {made} is closed"
    home = Path(tempfile.mkdtemp(prefix="nightjar-world-"))
    subprocess.run(["cp", "-a", f"{made}/.", home], check=True)  # files keep their owners
    # Copies have one password. If they wanted one port too, a restarted server might find it taken by that of
    # another copy, and connections to the old address would be answered by the wrong one.
    (home / "postgres" / "port").unlink()
    platform = Platform(Settings(home=home, prefect_port=free_port(), _env_file=None))
    try:
        platform.local.start()
        yield World(home, platform)
    finally:
        platform.close()
        platform.local.stop()
        platform.local.remove()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def worlds(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[World]]:
    """What gives one more world, in which nothing has happened yet."""
    return partial(copied_world, request.config.stash[SHARED])


@pytest.fixture(scope="session")
def world(worlds: Callable[[], AbstractContextManager[World]]) -> Iterator[World]:
    """Ten weeks of real flights landed, and a champion trained on them."""
    with worlds() as world:
        yield world


@pytest.fixture
def worker_here() -> Iterator[None]:
    """This process is a worker of a cluster, which makes its adapters by the settings of this test."""
    from nightjar.wiring import worker

    made = (worker.platform, worker.features_of)
    for each in made:
        each.cache_clear()
    yield
    if worker.platform.cache_info().currsize:
        worker.platform().close()
    for each in made:
        each.cache_clear()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    with s3_serving("127.0.0.1") as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def s3(s3_server: str) -> Iterator[str]:
    """The address of a server of S3. Its bucket `features` is empty when a module begins."""
    with empty_bucket(s3_server):
        yield s3_server


@pytest.fixture(scope="session")
def s3_at() -> Callable[[str], AbstractContextManager[str]]:
    """The same for other addresses of this machine."""

    @contextmanager
    def serving(host: str) -> Iterator[str]:
        with s3_serving(host) as endpoint, empty_bucket(endpoint):
            yield endpoint

    return serving


@contextmanager
def s3_serving(host: str) -> Iterator[str]:
    """The address of a server in a process of its own."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await_listener(host, port)
        yield f"http://{host}:{port}"
    finally:
        server.kill()
        server.wait()


@contextmanager
def empty_bucket(endpoint: str) -> Iterator[None]:
    """An empty bucket `features`, and credentials in the environment."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in (
            ("ACCESS_KEY_ID", "test"),
            ("SECRET_ACCESS_KEY", "test"),
            ("DEFAULT_REGION", "us-east-1"),
            ("REGION", "us-east-1"),
        ):
            environment.setenv(f"AWS_{name}", value)
        store = S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True)
        store.create_dir("features")
        store.delete_dir_contents("features")
        yield


def await_listener(host: str, port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection((host, port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
