"""Several parts at once: on threads of this process, or in processes of their own."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from multiprocessing import get_context

from nightjar.core.night.entities import Night, PartJob, Receipt


@dataclass(frozen=True, slots=True)
class Threads:
    """Implements ports.PartExecutor.

    Each part runs in a copy of this context, so that its log says which night it is of.
    """

    work: Callable[[PartJob], Receipt]
    threads: int

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:  # noqa: ARG002  # nobody watches
        with ThreadPoolExecutor(self.threads, thread_name_prefix="part") as pool:
            return receipts([pool.submit(copy_context().run, self.work, job) for job in jobs])


@dataclass(frozen=True, slots=True)
class Processes:
    """Implements ports.PartExecutor.

    work: a function that a new process finds by its name, and that wires itself there.
    Processes are started anew and not forked: threads and connections do not survive a fork.
    """

    work: Callable[[PartJob], Receipt]
    processes: int

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:  # noqa: ARG002  # nobody watches
        if not jobs:
            return []
        with ProcessPoolExecutor(min(self.processes, len(jobs)), mp_context=get_context("spawn")) as pool:
            return receipts([pool.submit(self.work, job) for job in jobs])


def receipts(futures: Sequence[Future[Receipt]]) -> list[Receipt]:
    """All are waited for; the first error is raised when the rest have ended."""
    wait(futures)
    return [future.result() for future in futures]
