"""Land and build for a flow, and show what was set aside."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

import models
from flows.about import platform
from flows.failures import fails_nothing
from flows.showing import show
from flows.stopping import cancelled_if_stopped
from flows.tasks import RETRIED
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.model.spec import ModelSpec
from nightjar.showing.console import REFUSAL_COLUMNS, refusal_row
from nightjar.showing.remedies import with_advice
from nightjar.usecases.data.landing import Tell, log_refusal


def land(spec: ModelSpec, until: datetime) -> None:
    """Land what was delivered by an instant."""
    with refusals_told(spec.name) as tell_refusal:
        platform().prepare(spec).land(until, tell=tell_refusal)


def make_ready(spec: ModelSpec, until: datetime) -> None:
    """Land what was delivered by an instant and build the features of it."""
    with refusals_told(spec.name) as tell_refusal:
        platform().prepare(spec).ready(until, tell=tell_refusal)


@task(
    name="features",
    task_run_name="features {model} {score_date}",
    cache_policy=NO_CACHE,
    persist_result=False,
    **RETRIED,
)
@cancelled_if_stopped
@with_advice()
# The unused date gives the task run its name.
def ready(model: str, score_date: date, until: datetime) -> None:  # noqa: ARG001
    """Land and build what is missing of what had happened and was recorded by `until`."""
    make_ready(models.model(model), until)


@contextmanager
def refusals_told(model: str) -> Iterator[Tell]:
    """Give a function to call with each delivery that is set aside.

    The function logs each delivery at once. At the end all of them are left as an artifact.
    """
    refusals: list[Refusal] = []

    def tell_refusal(refusal: Refusal) -> None:
        refusals.append(refusal)
        log_refusal(refusal)

    try:
        yield tell_refusal
    finally:
        if refusals:
            with fails_nothing("showing what was set aside"):
                show_refusals(model, refusals)


def show_refusals(model: str, refusals: Sequence[Refusal]) -> None:
    """Show what is wrong with each delivery that was set aside now."""
    show(
        f"deliveries-{model}",
        f"{model}: {len(refusals)} bad deliveries were set aside. "
        "What landed before is used in their place, and only a night that needs them and has nothing else "
        f"fails. `nightjar deliveries list --model {model}` shows all that are. "
        "What to do: runbooks/bad-delivery.md",
        REFUSAL_COLUMNS,
        [refusal_row(refusal) for refusal in refusals],
    )
