"""Score several parts at once, on threads of this process or in separate processes."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from multiprocessing import get_context

from nightjar.core.night.entities import Night, PartJob, Receipt


@dataclass(frozen=True, slots=True)
class Threads:
    """Implements ports.PartExecutor.

    Each part runs in a copy of this context, so that its log lines name its night. After an interrupt no
    further part begins.
    """

    work: Callable[[PartJob], Receipt]
    threads: int

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:  # noqa: ARG002  # nobody watches
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="part")
        try:
            return receipts([pool.submit(copy_context().run, self.work, job) for job in jobs])
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Processes:
    """Implements ports.PartExecutor.

    work: a function that a new process finds by its name. It makes its own adapters there.
    Processes are spawned and not forked, because threads and connections do not survive a fork.
    """

    work: Callable[[PartJob], Receipt]
    processes: int

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:  # noqa: ARG002  # nobody watches
        if not jobs:
            return []
        with ProcessPoolExecutor(min(self.processes, len(jobs)), mp_context=get_context("spawn")) as pool:
            return receipts([pool.submit(self.work, job) for job in jobs])


def receipts(futures: Sequence[Future[Receipt]]) -> list[Receipt]:
    """Wait for all parts. The first error is raised when all others have ended."""
    wait(futures)
    return [future.result() for future in futures]
