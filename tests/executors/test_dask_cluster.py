"""Part jobs on a real Dask cluster. A folder stands in for the database: a file is a receipt."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import cloudpickle
import pytest
from distributed import LocalCluster, get_worker
from structlog.testing import capture_logs

from nightjar.core.errors.cluster import ClusterGone, WorkerUnfit
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.night import ClaimLost, Stopped
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.entities import Night, PartJob, Receipt
from nightjar.executors import dask_cluster
from nightjar.executors.dask_cluster import DaskCluster

NIGHT = Night(model="toy", score_date=date(2013, 6, 15), as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
JOBS = [PartJob(run_id=1, part=number, claim="c") for number in range(6)]
JOBS_OF_A_LONG_NIGHT = [PartJob(run_id=1, part=number, claim="c") for number in range(24)]

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import a test


class Work:
    """Scores a part: it sleeps, then adds a line to the part's file, as a receipt is added once."""

    def __init__(self, folder: Path, seconds: float = 0) -> None:
        self.folder, self.seconds = str(folder), seconds

    def __call__(self, job: PartJob) -> None:
        time.sleep(self.seconds)
        with (Path(self.folder) / str(job.part)).open("a") as file:
            file.write(f"{get_worker().address}\n")


class Failing(Work):
    """Raises the error of a part, and on the worker that is named."""

    def __init__(self, folder: Path, error: Exception, part: int | None = None, worker: str = "") -> None:
        super().__init__(folder)
        self.error, self.part, self.worker = error, part, worker

    def __call__(self, job: PartJob) -> None:
        here = get_worker().address
        if job.part == self.part or here == self.worker:
            self.error.worker = here
            raise self.error
        super().__call__(job)


def receipt_of(part: int) -> Receipt:
    return Receipt(run_id=1, part=part, rows=1, scored=1, quarantined=0, stored_at=NIGHT.as_of)


def stored_in(folder: Path) -> Callable[[int], list[Receipt]]:
    return lambda run_id: [receipt_of(int(file.name)) for file in folder.iterdir()]


def scored(folder: Path) -> dict[int, int]:
    """How often each part was scored to its end."""
    return {int(file.name): len(file.read_text().splitlines()) for file in folder.iterdir()}


def executor(cluster: str, work: Work, folder: Path, **given) -> DaskCluster:
    return DaskCluster(cluster, lambda run_id: work, stored_in(folder), **{"wait_s": 5, **given})


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(dask_cluster, "TICK_S", 0.05)
    monkeypatch.setattr(dask_cluster, "PULSE_S", 1.0)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Two workers on threads of this process."""
    local = LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0")
    with local:
        yield local.scheduler_address


def test_receipts_come_in_the_order_of_the_jobs(cluster, tmp_path):
    found = executor(cluster, Work(tmp_path), tmp_path).run(NIGHT, JOBS)
    assert [receipt.part for receipt in found] == [0, 1, 2, 3, 4, 5]
    assert set(scored(tmp_path).values()) == {1}
    assert executor("tcp://127.0.0.1:1", Work(tmp_path), tmp_path).run(NIGHT, []) == []


def test_a_part_with_a_receipt_is_not_given_out(cluster, tmp_path):
    for part in (1, 3):
        Path(tmp_path, str(part)).write_text("before\n")
    executor(cluster, Work(tmp_path), tmp_path).run(NIGHT, JOBS)
    assert Path(tmp_path, "1").read_text() == Path(tmp_path, "3").read_text() == "before\n"
    assert sorted(scored(tmp_path)) == [0, 1, 2, 3, 4, 5]


def test_an_error_of_a_part_is_raised_when_the_others_are_stored_and_names_its_worker(cluster, tmp_path):
    work = Failing(tmp_path, ContractBroken("part 2", ["column x is missing"]), part=2)
    with pytest.raises(ContractBroken, match=r"column x is missing.* on the worker inproc://"):
        executor(cluster, work, tmp_path).run(NIGHT, JOBS)
    assert sorted(scored(tmp_path)) == [0, 1, 3, 4, 5]


def test_what_fails_on_one_worker_is_given_to_another(cluster, tmp_path):
    executor(cluster, Work(tmp_path), tmp_path).run(NIGHT, JOBS)
    bad = Path(tmp_path, "0").read_text().strip()
    afresh = tmp_path / "afresh"
    afresh.mkdir()
    work = Failing(afresh, StoreUnavailable("The database", "no route to host"), worker=bad)
    executor(cluster, work, afresh).run(NIGHT, JOBS)
    assert set(scored(afresh).values()) == {1}
    assert bad not in "".join(file.read_text() for file in afresh.iterdir())


@pytest.mark.parametrize(
    ("error", "rounds"),
    [(StoreUnavailable("The database", "gone"), 3), (ClaimLost("toy", NIGHT.score_date, 1), 1)],
)
def test_rounds_end_when_none_stores_a_part_or_when_the_claim_is_gone(cluster, tmp_path, error, rounds):
    asked = []

    def stored(run_id: int) -> list[Receipt]:
        asked.append(run_id)
        return []

    work = Failing(tmp_path, error, part=0)
    with pytest.raises(type(error)):
        DaskCluster(cluster, lambda run_id: work, stored).run(NIGHT, JOBS[:1])
    assert len(asked) == 1 + rounds


def test_rounds_pause_and_end_when_workers_say_that_they_stored_what_nobody_sees(cluster, tmp_path):
    """So it is with a database whose receipts are read from a copy that lags."""
    asked, paused = [], []

    def stored(run_id: int) -> list[Receipt]:
        asked.append(run_id)
        assert len(asked) < 10
        return []

    def go_on(*, last: bool = False) -> None:
        paused.append(last)

    unseen = DaskCluster(cluster, lambda run_id: Work(tmp_path), stored, go_on=go_on)
    with pytest.raises(ClusterGone, match="says that parts are done, and no receipt of them is stored"):
        unseen.run(NIGHT, JOBS[:1])
    assert scored(tmp_path) == {0: 3}
    assert len(paused) >= 6


def test_a_night_that_must_stop_does_not_wait_for_its_parts(cluster, tmp_path):
    def stop(*, last: bool = False) -> None:
        raise Stopped("it was set to Cancelled")

    with pytest.raises(Stopped):
        executor(cluster, Work(tmp_path, seconds=1), tmp_path, go_on=stop).run(NIGHT, JOBS)
    assert len(scored(tmp_path)) < 6


def test_a_worker_without_nightjar_is_unfit(cluster, tmp_path):
    work = Failing(tmp_path, ModuleNotFoundError("No module named 'nightjar'"), part=0)
    with pytest.raises(WorkerUnfit, match="Nightjar cannot be loaded"):
        executor(cluster, work, tmp_path).run(NIGHT, JOBS)


def test_a_cluster_that_is_not_there_is_told_in_time(tmp_path):
    begun = time.monotonic()
    with pytest.raises(ClusterGone, match="does not answer within") as gone:
        executor("tcp://127.0.0.1:1", Work(tmp_path), tmp_path, wait_s=0.5).run(NIGHT, JOBS)
    assert gone.value.waited
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("said", "told"),
    [(b"", "does not answer within"), (b"HTTP/1.1 400 Bad Request\r\n", "is no scheduler of Dask")],
    ids=["says nothing", "speaks another protocol"],
)
def test_a_server_that_is_no_scheduler_is_told_in_time(tmp_path, said, told):
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as other:
        answered = other.submit(lambda: server.accept()[0])
        answered.add_done_callback(lambda done: done.result().sendall(said))
        night = executor(f"tcp://127.0.0.1:{server.getsockname()[1]}", Work(tmp_path), tmp_path, wait_s=0.5)
        with pytest.raises(ClusterGone, match=told):
            night.run(NIGHT, JOBS)
        answered.result().close()


def test_a_cluster_without_a_worker_is_told_in_time(tmp_path):
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as empty,
        capture_logs() as told,
        pytest.raises(ClusterGone, match="had no worker for"),
    ):
        executor(empty.scheduler_address, Work(tmp_path), tmp_path, wait_s=0.3).run(NIGHT, JOBS)
    assert [(line["event"], line["wait_s"]) for line in told] == [("waits_for_worker", 0.3)]


def test_a_night_that_waits_for_a_scheduler_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "PULSE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server, capture_logs() as told:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterGone, match="does not answer within"):
            executor(address, Work(tmp_path), tmp_path, wait_s=0.5).run(NIGHT, JOBS)
    assert [(line["event"], line["cluster"]) for line in told] == [("waits_for_scheduler", address)]


class Processes:
    """A scheduler and workers by Dask's own commands, as people start them."""

    def __init__(self, port: int) -> None:
        self.port, self.address = port, f"tcp://127.0.0.1:{port}"
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        dask = Path(sys.executable).with_name("dask")
        process = subprocess.Popen(
            [dask, *words, "--dashboard-address", ":0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.running.append(process)
        return process

    def scheduler(self) -> subprocess.Popen[bytes]:
        return self.start("scheduler", "--host", "127.0.0.1", "--port", str(self.port))

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", self.address, "--no-nanny", "--nthreads", "1")

    def kill(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def processes(unused_port) -> Iterator[Processes]:
    started = Processes(unused_port())
    try:
        yield started
    finally:
        started.kill()


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do something on another thread. Raises its error in the end."""
    failed: list[Exception] = []

    def guarded() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # it is raised below
            failed.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    yield
    thread.join()
    if failed:
        raise failed[0]


def await_parts(folder: Path, number: int) -> None:
    until = time.monotonic() + 60
    while len(list(folder.iterdir())) < number:
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.timeout(120)
def test_a_killed_worker_loses_its_parts_to_the_others(processes, tmp_path):
    processes.scheduler()
    killed, _ = processes.worker(), processes.worker()
    night = executor(processes.address, Work(tmp_path, seconds=0.1), tmp_path, wait_s=30)
    with meanwhile(lambda: night.run(NIGHT, JOBS_OF_A_LONG_NIGHT)):
        await_parts(tmp_path, 3)
        killed.kill()
    assert sorted(scored(tmp_path)) == list(range(24))


@pytest.mark.timeout(120)
def test_a_frozen_worker_keeps_nobody_from_the_answers_of_the_others(processes, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "WORKER_ANSWER_S", 2.0)
    processes.scheduler()
    frozen, other = processes.worker(), processes.worker()
    cluster = executor(processes.address, Work(tmp_path), tmp_path, wait_s=30)
    while len(cluster.ask_workers(os.getpid)) < 2:
        time.sleep(0.2)
    frozen.send_signal(signal.SIGSTOP)
    answers = [*cluster.ask_workers(os.getpid).values()]
    assert [each for each in answers if isinstance(each, int)] == [other.pid]
    (silent,) = (each for each in answers if not isinstance(each, int))
    assert str(silent) == "it does not answer within 2 s"


def test_an_address_that_needs_certificates_is_a_setting_to_correct(tmp_path):
    secret = executor("tls://127.0.0.1:1", Work(tmp_path), tmp_path, wait_s=5)
    with pytest.raises(BadSettings, match=r"tls://127.0.0.1:1 needs certificates, and Dask has none"):
        secret.ask_workers(os.getpid)


@pytest.mark.chaos
@pytest.mark.timeout(120)
def test_a_night_outlives_a_frozen_worker_and_its_scheduler(processes, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "SILENT_S", 10.0)
    scheduler, frozen = processes.scheduler(), processes.worker()
    night = executor(processes.address, Work(tmp_path, seconds=0.2), tmp_path, wait_s=30)
    with meanwhile(lambda: night.run(NIGHT, JOBS_OF_A_LONG_NIGHT)):
        await_parts(tmp_path, 3)
        frozen.send_signal(signal.SIGSTOP)
        processes.worker()
        await_parts(tmp_path, 12)
        scheduler.kill()
        scheduler.wait()
        processes.scheduler()
        processes.worker()
    assert sorted(scored(tmp_path)) == list(range(24))
    assert sum(scored(tmp_path).values()) <= 24 + 3  # what was at work at the blows may be scored again
