"""Work that only one process may do at a time. The night's lock is tested with the score store."""

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from db.locks import exclusive, require_own_sessions
from db.session import make_engine
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.night import Stopped, WorkBusy
from nightjar.core.errors.settings import BadSettings
from nightjar.testing.memory import MemoryGoOn

KILL_WAITING = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_locks AS held USING (pid)
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    GROUP BY pid HAVING bool_and(held.mode <> 'ExclusiveLock' OR held.locktype <> 'advisory')
        AND bool_or(held.locktype = 'advisory')
"""
"""Whoever shares the schema and holds no work: it waits for some."""


@contextmanager
def pooler(folder: Path, url: str, mode: str) -> Iterator[Engine]:
    """Connections through a PgBouncer in front of the URL's database."""
    to = make_url(url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / f"{mode}.ini"
    config.write_text(
        f"[databases]\n{to.database} = host={to.host} port={to.port} user={to.username} "
        f"password={to.password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = "
        f"{mode}\nunix_socket_dir =\n"
        "ignore_startup_parameters = extra_float_digits\nuser = "
        f"{'nobody' if getpass.getuser() == 'root' else getpass.getuser()}\n"
    )
    process = subprocess.Popen(
        ["pgbouncer", "-q", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    through = f"postgresql://any@127.0.0.1:{port}/{to.database}"
    for _ in range(100):
        with suppress(psycopg.OperationalError), psycopg.connect(through):
            break
        time.sleep(0.05)
    engine = make_engine(through)
    try:
        yield engine
    finally:
        engine.dispose()
        process.kill()
        process.wait()


@pytest.fixture
def pooled(database, tmp_path) -> Iterator[Callable[[str], Engine]]:
    with ExitStack() as stack:
        yield lambda mode: stack.enter_context(pooler(tmp_path, database.url("writer"), mode))


def test_work_is_done_by_one_at_a_time_and_other_work_beside_it(engine):
    says = r"Features of a: being done by process \d+ on .+ since .+ UTC; waited 0 s"
    first, other, second = (exclusive(engine, f"features of {name}", wait_s=0.1) for name in "aba")
    with first, other, pytest.raises(WorkBusy, match=says), second:
        pass
    with exclusive(engine, "features of a", wait_s=0):
        pass


def test_whoever_is_stopped_waits_no_longer(engine):
    with (
        exclusive(engine, "features", wait_s=0),
        pytest.raises(Stopped),
        exclusive(engine, "features", wait_s=20, go_on=MemoryGoOn()),
    ):
        pass


def test_a_holder_of_another_role_is_told_as_such(engine, database):
    """The writer may not look at other roles' sessions."""
    owner = make_engine(database.url("owner"))
    with (
        exclusive(owner, "work", wait_s=0),
        pytest.raises(WorkBusy, match="another process, of role nightjar_owner"),
        exclusive(engine, "work", wait_s=0),
    ):
        pass
    owner.dispose()


def test_a_session_that_is_lost_while_it_waits_is_said_to_be_lost(engine, database):
    def waiting() -> None:
        with exclusive(engine, "work", wait_s=60):
            raise AssertionError("somebody holds it")

    with (
        exclusive(engine, "work", wait_s=0),
        ThreadPoolExecutor(1) as threads,
        psycopg.connect(database.url("admin"), autocommit=True) as admin,
    ):
        waits = threads.submit(waiting)
        while not admin.execute(KILL_WAITING).rowcount:
            time.sleep(0.05)
        with pytest.raises(StoreUnavailable, match="terminating connection"):
            waits.result(10)


def test_connections_of_their_own_are_fit_for_locks(engine):
    require_own_sessions(engine)


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="needs PgBouncer (apt-get install pgbouncer)")
def test_a_pooler_that_shares_sessions_is_refused(pooled):
    with pytest.raises(BadSettings, match="pooler that shares sessions"):
        require_own_sessions(pooled("transaction"))
    require_own_sessions(pooled("session"))


def test_an_error_in_the_work_lets_go_and_comes_through(engine):
    with pytest.raises(ZeroDivisionError), exclusive(engine, "work", wait_s=0):
        1 / 0  # noqa: B018  # the error is the point
    with exclusive(engine, "work", wait_s=0):
        pass


def test_a_lock_takes_no_place_in_the_pool_and_its_lost_connection_does_not_hide_the_works_result(
    engine, database
):
    held = [exclusive(engine, f"work {n}", wait_s=0) for n in range(12)]
    for lock in held:
        lock.__enter__()
    assert engine.pool.checkedout() == 0
    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    for lock in held:
        lock.__exit__(None, None, None)
