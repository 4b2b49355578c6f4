"""What a second worker brings: the same night on a cluster of one worker, and on one of two.

    uv run python benchmarks/cluster.py
    uv run python benchmarks/cluster.py --rows 1000000 --rounds 2 --home /var/tmp/nights --json

Both clusters are there all the time and take turns. Their workers are started by Dask's own command, one a
core: each computes on one thread, and so do the libraries in it. All have scored a night before the first one
that counts. A night is `ScoreNight.run`, from the claim to the commit of the publication. Its parts are what
the cluster has to do with it; this process does the rest. The published scores of all nights are equal to the
last bit. CPU seconds are those of this process, of the workers and of Postgres. Medians count.

One worker is measured twice: with all cores for its night, where Postgres copies on a second one, and with
one core for all of it. The first says what another worker brings to a machine, the second what a worker
brings that comes with a core.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from kernel import children, cpu, postmaster_of
from large_night import land
from night import Bench, benches, require_equal

from nightjar.core.night.entities import Night, PartJob, Receipt
from nightjar.core.ports.execution import PartExecutor
from nightjar.showing import console
from nightjar.wiring.executors import executor_of, in_cluster

DASK = Path(sys.executable).with_name("dask")
HERE = Path(__file__).parent
ONE, ONE_CORE, TWO = "one", "one, with one core for all", "two"
ONE_CORE_EACH = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass
class Timed:
    """Implements ports.PartExecutor by another one, and keeps how long that took."""

    inner: PartExecutor
    seconds: float = 0

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:
        begun = time.perf_counter()
        found = self.inner.run(night, jobs)
        self.seconds = time.perf_counter() - begun
        return [*found]


@dataclass(frozen=True)
class Spent:
    """seconds: of the clock. parts: those of them from giving out the parts until all are stored."""

    seconds: float
    parts: float
    cpu: float
    workers_cpu: float
    postgres_cpu: float


@dataclass(frozen=True)
class Cluster:
    """A scheduler on this machine and its workers. pids: of the workers."""

    bench: Bench
    executor: PartExecutor
    pids: tuple[int, ...]

    def night(self, cores: set[int]) -> tuple[Spent, pl.DataFrame]:
        """Score the night on these cores. Return what it took, and the published scores."""
        executor, before = Timed(self.executor), self._cpu()
        postmaster = postmaster_of(self.bench.platform.engine)
        backends = (int(each.name) for each in children(postmaster))
        with kept_to(cores, [os.getpid(), *self.pids, postmaster, *backends]):
            cost = self.bench.whole(executor=executor)
        used = self._cpu() - before
        return Spent(cost.seconds, executor.seconds, cost.cpu, used, cost.postgres_cpu), self.bench.scores()

    def _cpu(self) -> float:
        return sum(cpu(pid) for pid in self.pids)


@contextmanager
def kept_to(cores: set[int], pids: Iterable[int]) -> Iterator[None]:
    """Let all threads of some processes run on these cores alone, with all threads that they begin."""
    threads = [int(each.name) for pid in pids for each in Path("/proc").glob(f"{pid}/task/*")]
    before = os.sched_getaffinity(0)
    try:
        for thread in threads:
            with suppress(ProcessLookupError):
                os.sched_setaffinity(thread, cores)
        yield
    finally:
        for thread in threads:
            with suppress(ProcessLookupError):
                os.sched_setaffinity(thread, before)


@contextmanager
def cluster(bench: Bench, workers: int) -> Iterator[Cluster]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address, settings = f"tcp://127.0.0.1:{port}", bench.platform.settings
    platform = replace(
        bench.platform,
        settings=settings.model_copy(update={"executor": "dask", "dask_scheduler": address}),
    )
    started = [dask("scheduler", "--host", "127.0.0.1", "--port", str(port))]
    words = ("--nworkers", str(workers), "--nthreads", "1", "--preload", "large_night_worker")
    environment = {"NIGHTJAR_HOME": str(settings.home), "PYTHONPATH": str(HERE)}
    started.append(dask("worker", address, *words, **ONE_CORE_EACH, **environment))
    try:
        while len(pids := in_cluster(platform).ask_workers(os.getpid)) < workers:
            time.sleep(0.2)
        yield Cluster(bench, executor_of(platform), tuple(pids.values()))
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def dask(*words: str, **environment: str) -> "subprocess.Popen[bytes]":
    given = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
    return subprocess.Popen(
        [DASK, *words, "--dashboard-address", ":0"],
        env={**given, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def measured(bench: Bench, rounds: int) -> dict[str, Spent]:
    """The medians of each cluster."""
    every = os.sched_getaffinity(0)
    with cluster(bench, 1) as one, cluster(bench, 2) as two:
        nights = {ONE: (one, every), ONE_CORE: (one, {min(every)}), TWO: (two, every)}
        spent = {name: list[Spent]() for name in nights}
        _, expected = one.night(every)  # warms its worker
        require_equal(two.night(every)[1], expected)
        for _ in range(rounds):
            for name, (each, cores) in nights.items():
                took, scores = each.night(cores)
                require_equal(scores, expected)
                spent[name].append(took)
    return {name: middle(each) for name, each in spent.items()}


def middle(spent: list[Spent]) -> Spent:
    names = vars(spent[0])
    return Spent(**{name: statistics.median(getattr(each, name) for each in spent) for name in names})


def report(found: dict[str, Spent], rows: int) -> None:
    columns = (
        "workers",
        "s",
        "of these its parts",
        "CPU s",
        "workers' CPU s",
        "Postgres CPU s",
        "busy cores",
    )
    told = [
        (name, *(f"{value:.2f}" for value in (*vars(spent).values(), busy(spent))))
        for name, spent in found.items()
    ]
    console.out.print(console.table(f"a night of {rows:,} rows on a cluster", columns, told))
    for one, (night, parts) in ratios(found).items():
        console.out.print(
            f"two workers take 1/{night:.2f} of the time of {one}, and 1/{parts:.2f} for the parts"
        )


def busy(spent: Spent) -> float:
    """How many cores were busy on average. When all are, another worker brings nothing."""
    return (spent.cpu + spent.workers_cpu + spent.postgres_cpu) / spent.seconds


def ratios(found: dict[str, Spent]) -> dict[str, tuple[float, float]]:
    """How many times as fast two workers are as one: with the night, and with its parts."""
    two = found[TWO]
    return {
        name: (found[name].seconds / two.seconds, found[name].parts / two.parts) for name in (ONE, ONE_CORE)
    }


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--part-rows", type=int, default=25_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="a folder that is kept: the next run needs no training")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    with benches(options.part_rows, options.home) as (bench, _):
        land(bench.platform, options.rows)
        found = measured(bench, options.rounds)
    if options.json:
        workers = {name: vars(spent) for name, spent in found.items()}
        print(json.dumps({"rows": options.rows, "workers": workers, "times as fast": ratios(found)}))
    else:
        report(found, options.rows)


if __name__ == "__main__":
    main()
