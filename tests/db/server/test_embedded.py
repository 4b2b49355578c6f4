"""A real server through its bad days: killed, shared, crowded out, locked away."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from db.server import embedded
from db.server.embedded import EmbeddedPostgres
from db.urls import read
from nightjar.core.errors.database import EmbeddedPostgresFailed, NoEmbeddedPostgres, StoreUnavailable

FASTER = {"fsync": "off", "shared_buffers": "16MB", "max_wal_size": "64MB", "logging_collector": "off"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root must run the server as another account")


def folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="nightjar-test-"))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def made():
    """The home of a cluster that was made once."""
    home = folder()
    server = EmbeddedPostgres(home, FASTER)
    server.start()
    server.stop()
    yield home
    server.remove()
    shutil.rmtree(home)


@pytest.fixture
def server(made):
    """A server that is stopped now, with a cluster that other tests may have used."""
    server = EmbeddedPostgres(made, FASTER)
    yield server
    server.stop()


@pytest.fixture
def fresh():
    """A server whose cluster is not yet made."""
    home = folder()
    server = EmbeddedPostgres(home, FASTER)
    yield server
    server.stop()
    server.remove()
    shutil.rmtree(home)


def answer(server: EmbeddedPostgres, query: str = "SELECT 1"):
    with psycopg.connect(server.url("admin", "postgres"), autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server._data / "postmaster.pid").read_text().splitlines()[0])


def test_it_starts_once_keeps_its_data_and_stops(fresh):
    assert not fresh.running
    fresh.start()
    pid, url = postmaster(fresh), fresh.url("admin", "postgres")
    fresh.start()
    assert (postmaster(fresh), fresh.running) == (pid, True)
    fresh.ensure_database("mine")
    fresh.ensure_database("mine")
    with psycopg.connect(fresh.url("owner", "mine")) as owner:
        owner.execute("CREATE SCHEMA s")
    fresh.stop()
    assert not fresh.running
    assert not (fresh._data / "postmaster.pid").exists()
    fresh.stop()
    fresh.start()
    assert fresh.url("admin", "postgres") == url
    assert answer(fresh, "SELECT count(*) FROM pg_database WHERE datname = 'mine'") == 1


def test_its_secrets_are_for_its_owner_alone_and_every_connection_needs_one(server):
    server.start()
    assert (server.folder / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert server._data.stat().st_mode & 0o777 == 0o700
    assert set(server.passwords) == {"owner", "writer", "analyst"}
    with psycopg.connect(server.url("admin", "postgres")) as admin:
        methods = {row[0] for row in admin.execute("SELECT auth_method FROM pg_hba_file_rules").fetchall()}
        assert methods == {"scram-sha-256"}
        assert admin.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)


def test_a_mode_of_tls_in_the_environment_is_for_other_servers(server, monkeypatch):
    server.start()
    monkeypatch.setenv("PGSSLMODE", "require")
    assert server.running
    assert answer(server) == 1

    async def asked() -> int:
        """As Prefect connects."""
        engine = create_async_engine(read(server.url("admin", "postgres")).for_sqlalchemy("asyncpg"))
        async with engine.connect() as connection:
            found = (await connection.execute(text("SELECT 1"))).scalar_one()
        await engine.dispose()
        return found

    assert asyncio.run(asked()) == 1


def test_its_own_log_may_be_json(server):
    server = EmbeddedPostgres(
        server.folder.parent, FASTER | {"logging_collector": "on", "log_destination": "jsonlog"}
    )
    server.start()
    (log,) = server.log_folder.glob("*.json")
    assert "listening" in " ".join(json.loads(line)["message"] for line in log.read_text().splitlines())


def test_text_sorts_as_polars_sorts_it(server):
    server.start()
    assert answer(
        server, "SELECT string_agg(k, '' ORDER BY k) FROM (VALUES ('a'), ('B'), ('_'), ('é')) AS t (k)"
    ) == "".join(sorted("aB_é"))


STARTER = """
import sys
from pathlib import Path
from db.server.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), {
    "fsync": "off", "shared_buffers": "16MB", "logging_collector": "off"})
server.start()
print(server.url("admin", "postgres"), flush=True)
sys.stdin.read()
"""


def starter(server: EmbeddedPostgres) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", STARTER, str(server.folder.parent)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_several_processes_start_and_share_one(fresh):
    processes = [starter(fresh) for _ in range(4)]
    try:
        urls = {process.stdout.readline().strip() for process in processes}
        assert urls == {fresh.url("admin", "postgres")}
    finally:
        for process in processes:
            process.communicate()
    assert answer(fresh) == 1


def test_it_outlives_whoever_started_it(server):
    with starter(server) as process:
        assert process.stdout.readline()
        process.kill()
    assert answer(server) == 1


def test_it_comes_back_after_a_kill_with_all_that_was_committed(server):
    server.start()
    server.ensure_database("mine")
    os.kill(postmaster(server), signal.SIGKILL)
    server.start()
    assert answer(server, "SELECT count(*) FROM pg_database WHERE datname = 'mine'") == 1


def test_a_pid_that_now_belongs_to_another_process_does_not_stop_it(server):
    server.start()
    server.stop()
    with subprocess.Popen(
        ["sleep", "60"], user=server._data.stat().st_uid if os.geteuid() == 0 else None
    ) as stranger:
        lock = server._data / "postmaster.pid"
        lock.write_text(
            f"{stranger.pid}\n{server._data}\n1\n5432\n\n127.0.0.1\n        0         0\nready   \n"
        )
        shutil.chown(lock, server._data.owner(), server._data.group())
        server.start()
        assert answer(server) == 1
        assert stranger.poll() is None
        stranger.kill()


def turning_away(thief: socket.socket) -> None:
    """Close each connection, as a server of another protocol does."""
    with contextlib.suppress(OSError):  # it is closed
        while True:
            thief.accept()[0].close()


@pytest.mark.parametrize("answers", [True, pytest.param(False, marks=pytest.mark.chaos)])
def test_a_port_that_was_taken_meanwhile_is_changed(server, answers):
    """A thief that says nothing is waited for twice, 3 s each."""
    server.start()
    server.stop()
    with socket.socket() as thief:
        # A connection to the stopped server may linger. As any server, the thief binds in spite of it.
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", int((server.folder / "port").read_text())))
        thief.listen()
        if answers:
            threading.Thread(target=turning_away, args=[thief], daemon=True).start()
        server.start()
        assert answer(server, "SHOW port") != str(thief.getsockname()[1])


def test_a_server_that_lives_and_has_no_connection_left_keeps_its_port(server, monkeypatch):
    monkeypatch.setattr(embedded, "READY_S", 0.2)
    server = EmbeddedPostgres(
        server.folder.parent,
        FASTER | {"max_connections": "4", "superuser_reserved_connections": "1", "max_wal_senders": "0"},
    )
    server.start()
    url = server.url("admin", "postgres")
    with contextlib.ExitStack() as taken:
        for _ in range(4):
            taken.enter_context(psycopg.connect(url))
        with pytest.raises(StoreUnavailable, match="too many clients"):
            server.start()
        assert server.url("admin", "postgres") == url
        with pytest.raises(StoreUnavailable, match="too many clients"):
            server.has_database("mine")
    server.start()
    assert answer(server) == 1


def test_a_cluster_that_was_half_made_is_made_anew(fresh):
    fresh._locked().__enter__()
    fresh._choose_place()  # and its process was killed before the server's account got the folder
    (fresh._server / "fresh-1").mkdir()
    (fresh._server / "fresh-1" / "PG_VERSION").write_text("18")
    fresh = EmbeddedPostgres(fresh.folder.parent, FASTER)
    fresh.start()
    assert answer(fresh) == 1
    assert not [*fresh._server.glob("fresh-*")]


@pytest.mark.parametrize("character", embedded.OBEYED)
def test_a_home_whose_name_a_shell_would_obey_is_refused_before_anything_is_made(tmp_path, character):
    odd = EmbeddedPostgres(tmp_path / f"a{character}b", FASTER)
    with pytest.raises(EmbeddedPostgresFailed, match=rf"would obey the \{character} in .*NIGHTJAR_HOME"):
        odd.start()
    assert {file.name for file in odd.folder.iterdir()} == {"lock"}


def if_there(ask):
    """The answer of a process, None if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return ask()


def test_a_cluster_is_made_while_the_initdb_of_a_killed_process_goes_on(fresh):
    with starter(fresh) as killed:
        while not [*fresh.folder.glob("server/fresh*/data/PG_VERSION")]:
            assert killed.poll() is None
            time.sleep(0.001)
        orphans = [
            child
            for child in psutil.Process(killed.pid).children(recursive=True)
            if if_there(child.name) in {"initdb", "postgres"}
        ]
        for orphan in orphans:
            if_there(orphan.suspend)
        killed.kill()
    wakers = [threading.Timer(0.1, if_there, [orphan.resume]) for orphan in orphans]
    for waker in wakers:
        waker.start()
    fresh.start()
    for waker in wakers:
        waker.join()
    assert answer(fresh) == 1
    assert not [*fresh._server.glob("fresh-*")]


def test_a_server_that_cannot_start_says_why_and_where_to_look(server, monkeypatch):
    monkeypatch.setattr(embedded, "ATTEMPTS", 1)
    broken = EmbeddedPostgres(server.folder.parent, FASTER | {"shared_buffers": "nonsense"})
    with pytest.raises(EmbeddedPostgresFailed, match=r"start\.log.*NIGHTJAR_DATABASE_URL"):
        broken.start()


def test_a_url_before_the_first_start_is_refused(fresh):
    with pytest.raises(NoEmbeddedPostgres, match="Start it first"):
        fresh.url("writer")


@as_root
def test_root_runs_it_as_another_account(server):
    server.start()
    assert Path(f"/proc/{postmaster(server)}").stat().st_uid != 0


@as_root
def test_a_home_that_is_closed_to_that_account_is_served_from_elsewhere(fresh, monkeypatch):
    elsewhere = folder()
    monkeypatch.setattr(embedded, "ELSEWHERE", elsewhere)
    fresh.folder.parent.chmod(0o700)
    fresh.start()
    assert answer(fresh) == 1
    assert fresh._server.is_relative_to(elsewhere)
    again = EmbeddedPostgres(fresh.folder.parent, FASTER)
    assert again._data == fresh._data
    fresh.stop()
    fresh.remove()
    shutil.rmtree(elsewhere)


@as_root
def test_binaries_that_are_closed_to_that_account_are_copied(fresh, monkeypatch):
    elsewhere = folder()
    monkeypatch.setattr(embedded, "ELSEWHERE", elsewhere)
    monkeypatch.setattr(embedded, "_reachable", lambda path, uid: "pginstall" not in path.parts)
    fresh.start()
    assert answer(fresh) == 1
    assert fresh._binaries.is_relative_to(elsewhere)
    fresh.stop()
    shutil.rmtree(elsewhere)


@as_root
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_user_may_have_one_too(postgres):
    """In a fork, and with binaries that the account can reach, because this Python and this checkout may
    be closed to other accounts.
    """
    home, binaries = folder(), postgres._binaries
    os.chown(home, 65534, 65534)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            server = EmbeddedPostgres(home, FASTER)
            server.__dict__["_binaries"] = binaries
            server.start()
            os._exit(0 if answer(server) == 1 and server._account is None else 1)
        finally:
            os._exit(2)
    status = os.waitpid(child, 0)[1]
    server = EmbeddedPostgres(home, FASTER)
    try:
        assert os.waitstatus_to_exitcode(status) == 0
        assert answer(server) == 1
    finally:
        server.stop()
        shutil.rmtree(home)


def test_a_copied_home_is_not_taken_for_the_original(server, tmp_path_factory):
    """The copy knows the original's port and passwords; only where the data lie tells them apart."""
    server.start()
    home = tmp_path_factory.mktemp("copy")
    home.chmod(0o755)
    shutil.copytree(
        server.folder, home / "postgres", ignore=shutil.ignore_patterns("server", "place", "lock")
    )
    copy = EmbeddedPostgres(home)
    assert not copy.running
    copy.stop()
    assert server.running
