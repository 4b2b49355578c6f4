"""Measure the stages of a run by the clocks and the memory of this process."""

import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import structlog

from nightjar.core.night.entities import Run
from nightjar.core.night.stages import Stage, Work, shared
from nightjar.core.ports.stages import Stages, Tell

log = structlog.get_logger(__name__)

STATUS = Path("/proc/self/status")
PEAK = re.compile(rb"VmHWM:\s+(\d+) kB")
Keep = Callable[[Work], None]
Name = tuple[object, ...]


def peak_memory() -> int:
    """Return the most bytes that this process has held in memory.

    Linux counts them in /proc. The number of getrusage would include those of the program before an exec.
    """
    if sys.platform == "linux" and (found := PEAK.search(STATUS.read_bytes())):
        return int(found[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@dataclass(slots=True)
class Processor:
    """CPU time of this process, in shares of the stages that are open. Threads may share one."""

    clock: Callable[[], float] = time.process_time
    _lock: Lock = field(default_factory=Lock)
    _spent: dict[object, float] = field(default_factory=dict[object, float])
    _at: float = 0.0

    def begin(self, stage: object) -> None:
        with self._lock:
            self._share()
            self._spent[stage] = 0.0

    def end(self, stage: object) -> float:
        """Return the CPU seconds of the stage."""
        with self._lock:
            self._share()
            return self._spent.pop(stage)

    def _share(self) -> None:
        now = self.clock()
        self._spent, self._at = shared(self._spent, now - self._at), now


class Watch:
    """When something began, and how long it has lasted since."""

    def __init__(self) -> None:
        self.began, self._clock = datetime.now(UTC), time.perf_counter()

    def read(self) -> dict[str, Any]:
        return {"started_at": self.began, "seconds": time.perf_counter() - self._clock}


@dataclass(frozen=True, slots=True)
class ProcessMeter:
    """The port `Meter`. One per process: parts on threads share its CPU time.

    keep: gets each piece of work at its end. What an interrupt ends is kept by nobody.
    """

    keep: Sequence[Keep] = ()
    processor: Processor = field(default_factory=Processor)
    failures: Counter[Name] = field(default_factory=Counter[Name])

    @contextmanager
    def __call__(self, run: Run, part: int | None = None, *, follows: bool = False) -> Iterator[Stages]:
        stages, watch = MeteredStages(self, (run.claim, part)), Watch()
        work: dict[str, Any] = {"run": run, "part": part, "follows": follows}
        try:
            yield stages
        except Exception as error:
            failed = type(error).__name__
            self._kept(Work(**work, stages=stages.ended, error=failed, **watch.read()))
            raise
        self._kept(Work(**work, stages=stages.ended, **watch.read()))

    def retries(self, stage: Name, error: str | None) -> int:
        """Return how often the stage failed before, and count its failure if it failed again."""
        if error is None:
            return self.failures.pop(stage, 0)
        self.failures[stage] += 1
        return self.failures[stage] - 1

    def _kept(self, work: Work) -> None:
        for keep in self.keep:
            try:
                keep(work)
            # Nothing of a night may depend on whether somebody counts its seconds.
            except Exception as error:  # noqa: BLE001
                log.warning("stages_not_kept", run=work.run.id, part=work.part, error=str(error))


@dataclass(frozen=True, slots=True)
class MeteredStages:
    """The port `Stages`. work: the same in each try of the same work."""

    meter: "ProcessMeter"
    work: Name
    _ended: list[Stage] = field(default_factory=list[Stage])

    @property
    def ended(self) -> tuple[Stage, ...]:
        return tuple(self._ended)

    @contextmanager
    def __call__(self, stage: str, role: str = "") -> Iterator[Tell]:
        told, watch, token = dict[str, Any](), Watch(), object()
        self.meter.processor.begin(token)
        error: str | None = None
        try:
            yield told.update
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            cpu = self.meter.processor.end(token)
            retries = self.meter.retries((*self.work, stage, role), error)
            took = {"cpu_seconds": cpu, "peak_memory": peak_memory(), **watch.read(), **told}
            self._ended.append(Stage(stage=stage, role=role, retries=retries, error=error, **took))
