"""Seconds, CPU seconds and peak memory of stages, as the kernel counts them, here and in Postgres."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from nightjar.core.ports.going_on import GoOn, unasked

TICKS = os.sysconf("SC_CLK_TCK")
MB = 1024
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclass(slots=True)
class Cost:
    """seconds: of the clock. cpu, postgres_cpu: seconds of this process and of Postgres. peak_mb: of this
    process. postgres_peak_mb: of its largest backend, with the shared memory that it has touched.
    """

    seconds: float = 0
    cpu: float = 0
    postgres_cpu: float = 0
    peak_mb: float = 0
    postgres_peak_mb: float = 0
    calls: int = 0

    def add(self, other: "Cost") -> None:
        for name in ("seconds", "cpu", "postgres_cpu", "calls"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("peak_mb", "postgres_peak_mb"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))


@dataclass
class Meter:
    """Costs by stage. What a stage inside another costs counts for the inner one alone.

    postmaster: the process id of Postgres. Stages of several threads at once are not told apart: then only
    the whole is meaningful.
    """

    postmaster: int
    costs: dict[str, Cost] = field(default_factory=dict)
    _stages: list[str] = field(default_factory=list)
    _since: tuple[float, float, float] = (0, 0, 0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._switch()
        self._stages.append(name)
        self.costs.setdefault(name, Cost()).calls += 1
        try:
            yield
        finally:
            self._switch()
            self._stages.pop()

    def metered(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return call

    def whole(self) -> Cost:
        whole = Cost()
        for cost in self.costs.values():
            whole.add(cost)
        return whole

    def _switch(self) -> None:
        """Count what was used since the last switch for the stage that is going on, if there is one.

        What the meter itself takes, most of a millisecond, counts for no stage.
        """
        ours, theirs = [Path("/proc/self")], children(self.postmaster)
        now = (time.perf_counter(), time.process_time(), postgres_cpu(self.postmaster))
        if self._stages:
            used = (after - before for before, after in zip(self._since, now, strict=True))
            self.costs[self._stages[-1]].add(Cost(*used, peak_mb(ours), peak_mb(theirs)))
        for process in (*ours, *theirs):
            with suppress(OSError):  # a backend that is gone, or one that is not ours to reset
                (process / "clear_refs").write_text("5")
        self._since = (time.perf_counter(), time.process_time(), now[2])


@contextmanager
def in_turn(work: Callable[[GoOn], Any]) -> Iterator[Callable[[], Any]]:
    """Do what a night does beside its parts when its result is asked for: a meter tells no threads apart."""
    yield cache(lambda: work(unasked))


def postmaster_of(engine: Engine) -> int:
    """The first process of a Postgres on this machine."""
    with engine.connect() as connection:
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    return int(Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1])


def children(postmaster: int) -> list[Path]:
    """The processes of Postgres, without the first."""
    told = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
    return [Path(f"/proc/{child}") for child in told.split()]


def postgres_cpu(postmaster: int) -> float:
    """CPU seconds of all processes of Postgres, also of those that have ended."""
    whole = _ticks(Path(f"/proc/{postmaster}"), slice(11, 15))
    return (whole + sum(_ticks(child, slice(11, 13)) for child in children(postmaster))) / TICKS


def cpu(pid: int) -> float:
    """CPU seconds of a process."""
    return _ticks(Path(f"/proc/{pid}"), slice(11, 13)) / TICKS


def _ticks(process: Path, fields: slice) -> int:
    try:
        told = (process / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return sum(map(int, told[fields]))


def peak_mb(processes: list[Path]) -> float:
    """The peak of the largest of some processes since it was reset."""
    peaks = [0]
    for process in processes:
        with suppress(OSError):
            peaks += map(int, PEAK.findall((process / "status").read_text()))
    return max(peaks) / MB
