"""All tasks share their rule for retries. A step after a publication becomes a task here."""

from collections.abc import Callable
from datetime import date
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.tasks import exponential_backoff

from nightjar.core.errors.machine import may_pass
from nightjar.core.night.entities import Run
from nightjar.showing.remedies import with_advice


def is_retryable(_task: Any, _run: Any, state: State[Any]) -> bool:
    """True if a failed task may be tried again."""
    return may_pass(state.result(raise_on_failure=False))


RETRIED: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(2),  # 2, 4 and 8 s, each with up to as much again
    "retry_jitter_factor": 1,
    "retry_condition_fn": is_retryable,
}
"""All tasks are decorated with these options."""


def as_task(name: str, run: Run, work: Callable[[], None]) -> None:
    """Run a step that follows a publication as a task. Raises the errors of `work`."""
    follow_up.submit(name, run.model, run.score_date, work).result()


@task(
    name="follow-up",
    task_run_name="{step} {model} {score_date}",
    cache_policy=NO_CACHE,
    persist_result=False,
    **RETRIED,
)
@with_advice()
# The unused arguments give the task run its name.
def follow_up(step: str, model: str, score_date: date, work: Callable[[], None]) -> None:  # noqa: ARG001
    work()
