"""The parts of a night as Prefect tasks, on threads of the flow run: each is seen, and retried, by itself."""

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
from nightjar.showing.remedies import with_advice
from nightjar.wiring.settings import Settings

THREADS: Any = ThreadPoolTaskRunner(max_workers=Settings().threads)
"""Any: Prefect declares its task runners in a way that no checker lets its own pass."""


class PartTasks:
    """Implements ports.PartExecutor. All jobs are tried. Raises Stopped where some were stopped."""

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:
        futures = [submitted(night, job) for job in jobs]
        wait(futures)
        go_on()
        return [future.result() for future in futures]


PARTS = PartTasks()


def submitted(night: Night, job: PartJob) -> PrefectFuture[Receipt]:
    """A part's task.

    Prefect copies the context to its thread, so that what it logs of the task names the part too.
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
# The arguments that are not used name the task run.
def score_part(model: str, score_date: date, number: int, job: PartJob) -> Receipt:  # noqa: ARG001
    return platform().score_part(job)
