"""The parts of a night as Prefect tasks: each its own, on a thread of the flow run, or all of them one.

They are one task if NIGHTJAR_EXECUTOR says that others than the flow run's process score them.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, wait
from prefect.task_runners import ThreadPoolTaskRunner
from structlog.contextvars import bound_contextvars

from flows.about import platform
from flows.stopping import cancelled_if_stopped, go_on
from flows.tasks import RETRIED
from nightjar.core.night.entities import Night, PartJob, Receipt
from nightjar.core.ports.execution import PartExecutor
from nightjar.showing.remedies import with_advice
from nightjar.wiring.executors import executor_of
from nightjar.wiring.settings import Settings

THREADS: Any = ThreadPoolTaskRunner(max_workers=Settings().threads)
"""The type is Any, because type checkers reject Prefect's own task runners as Prefect declares them."""


class PartTasks:
    """Implements ports.PartExecutor. All jobs are tried. Raises Stopped if some were stopped."""

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:
        futures = [submitted(night, job) for job in jobs]
        wait(futures)
        go_on()
        return [future.result() for future in futures]


class PartsElsewhere:
    """Implements ports.PartExecutor. One task waits for all parts, because others carry them out."""

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:
        if not jobs:
            return []
        future = parts_elsewhere.submit(night.model, night.score_date, night, jobs)
        wait([future])
        go_on()
        return future.result()


def parts() -> PartExecutor:
    """Return what scores the parts of the flow run's nights.

    Call it before any other work. Raises BadSettings, ExtraMissing if the configured one cannot be used.
    """
    executor_of(platform())
    return PartTasks() if platform().settings.executor == "threads" else PartsElsewhere()


def submitted(night: Night, job: PartJob) -> PrefectFuture[Receipt]:
    """Submit a part's task.

    Prefect copies the context to the task's thread, so that its log lines name the part too.
    """
    with bound_contextvars(model=night.model, score_date=str(night.score_date), part=job.part):
        return score_part.submit(night.model, night.score_date, job.part, job)


@task(
    name="part",
    task_run_name="part {number} {model} {score_date}",
    cache_policy=NO_CACHE,
    persist_result=False,
    **RETRIED,
)
@cancelled_if_stopped
@with_advice()
# The unused arguments give the task run its name.
def score_part(model: str, score_date: date, number: int, job: PartJob) -> Receipt:  # noqa: ARG001
    return platform().score_part(job)


@task(
    name="parts",
    task_run_name="parts {model} {score_date}",
    cache_policy=NO_CACHE,
    persist_result=False,
    **RETRIED,
)
@cancelled_if_stopped
@with_advice()
# The unused arguments give the task run its name.
def parts_elsewhere(model: str, score_date: date, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:  # noqa: ARG001
    return [*executor_of(platform()).run(night, jobs)]
