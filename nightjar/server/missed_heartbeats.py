"""Keeps the triggers by which Prefect's server watches runs, through restarts and outages of the server.

A proactive trigger waits in a row of the server's database: a bucket. The server loses this row too easily.
It deletes the row unread if it comes back more than a minute after the bucket's end. An action that it fired
in the second before it stopped was never done. The run then stays as it is for ever.
A bucket that ended while the server was away would fire at once, although the run lives: nobody listened.

So two things happen before each evaluation, every 5 s. Buckets that ended while nobody listened are deleted.
A run whose state needs a bucket, and that has none, gets a bucket that begins now.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from prefect.server.database import PrefectDBInterface, db_injector
from prefect.server.database.orm_models import FlowRun
from prefect.server.events import triggers
from prefect.server.events.models.automations import automations_session
from prefect.server.events.schemas.automations import EventTrigger, Posture
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.server.models.events import flow_run_state_change_event
from prefect.server.schemas.states import StateType
from prefect.types._datetime import now
from sqlalchemy.ext.asyncio import AsyncSession

from nightjar.server.automations import EACH_RUN, PREFIX, Patience
from nightjar.server.healing import heal

DEAF_AFTER = timedelta(seconds=30)
"""It is longer than a slow look, and as long as the pause between two heartbeats."""

Evaluation = Callable[[], Coroutine[Any, Any, None]]


def watchful(evaluate: Evaluation) -> Evaluation:
    """Return the server's evaluation of missing events, with a look before it and the retries after it.

    If the look fails, the evaluation is delayed.
    """
    looked_at: datetime | None = None

    async def evaluate_watchfully() -> None:
        nonlocal looked_at
        at = now("UTC")
        await look(at, deaf=looked_at is None or at - looked_at > DEAF_AFTER)
        looked_at = at
        await evaluate()
        await heal(at, Patience())

    return evaluate_watchfully


async def look(at: datetime, *, deaf: bool) -> None:
    """Give a bucket to every run that the server should watch.

    deaf: nobody listened until now, so a bucket that has ended by now does not prove silence.
    """
    waiting = {trigger.id: trigger for trigger in triggers.triggers.values() if of_ours(trigger)}
    if not waiting:
        return
    async with automations_session(begin_transaction=True) as session:
        if deaf:
            await forget_ended(session, list(waiting), at)
        waited_for = await buckets(session, list(waiting))
        for run in await unsettled(session):
            missing = [
                waiting[each] for each in waiting if (each, f"prefect.flow-run.{run.id}") not in waited_for
            ]
            if missing:
                event = await state_event(session, run, at)
                for trigger in missing:
                    if starts(trigger, event):
                        await wait_for(session, trigger, event)


def of_ours(trigger: EventTrigger) -> bool:
    return (
        trigger.automation.name.startswith(PREFIX)
        and trigger.for_each == EACH_RUN
        and trigger.posture == Posture.Proactive
    )


def starts(trigger: EventTrigger, event: ReceivedEvent) -> bool:
    return trigger.covers(event) and trigger.starts_after(event.event)


async def wait_for(session: AsyncSession, trigger: EventTrigger, event: ReceivedEvent) -> None:
    """Treat the event, for this trigger alone, as if it had just arrived."""
    await triggers.ensure_bucket(
        session,
        trigger,
        trigger.bucketing_key(event),
        start=event.occurred,
        end=event.occurred + trigger.within,
        last_event=event,
    )


async def state_event(session: AsyncSession, run: FlowRun, at: datetime) -> ReceivedEvent:
    """Return the event that the server sent when the run entered its state, with the time of now."""
    assert run.state is not None  # its type was asked for
    state = run.state.as_state()
    event = await flow_run_state_change_event(
        session=session,
        occurred=at,
        flow_run=run,
        initial_state_id=None,
        initial_state=None,
        validated_state_id=state.id,
        validated_state=state,
    )
    return event.receive()


@db_injector
async def unsettled(db: PrefectDBInterface, session: AsyncSession) -> list[FlowRun]:
    """Return the runs that must not stay in their state."""
    query = sa.select(db.FlowRun).where(
        db.FlowRun.state_type.in_([StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
    )
    return list((await session.execute(query)).scalars())


@db_injector
async def buckets(db: PrefectDBInterface, session: AsyncSession, ids: list[UUID]) -> set[tuple[UUID, str]]:
    """Return the trigger and the run of each bucket."""
    query = sa.select(db.AutomationBucket.trigger_id, db.AutomationBucket.bucketing_key).where(
        db.AutomationBucket.trigger_id.in_(ids)
    )
    return {(trigger, key[0]) for trigger, key in (await session.execute(query)).tuples()}


@db_injector
async def forget_ended(db: PrefectDBInterface, session: AsyncSession, ids: list[UUID], at: datetime) -> None:
    await session.execute(
        sa.delete(db.AutomationBucket).where(
            db.AutomationBucket.trigger_id.in_(ids), db.AutomationBucket.end <= at
        )
    )
