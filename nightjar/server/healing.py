"""Puts runs whose process died back in the queue of Prefect's server, or reports that a person must act.

`nightjar.core.platform.healing` decides which of the two.
It looks for such runs in the database and does not wait for an event. So no run is lost if the server stops
in between.
"""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from prefect.server.database import PrefectDBInterface, db_injector
from prefect.server.database.orm_models import FlowRun
from prefect.server.models.flow_runs import set_flow_run_state
from prefect.server.orchestration.core_policy import CoreFlowPolicy
from prefect.server.schemas.states import AwaitingRetry, State, StateType
from sqlalchemy.ext.asyncio import AsyncSession

from nightjar.core.platform.healing import GIVEN_UP, RETRIED, Past, may_be_retried
from nightjar.server.automations import PRESUMED, RUNBOOK, TAG, Patience

CRASHES_COUNT_FOR = timedelta(days=1)
"""An older crash is left to a person; its night has been caught up."""


@db_injector
async def heal(db: PrefectDBInterface, at: datetime, patience: Patience) -> None:
    """Decide about each of our runs that crashed and is settled. Each has its own transaction."""
    async with db.session_context() as session:
        crashed = await crashed_runs(session, at - CRASHES_COUNT_FOR)
    for run in crashed:
        if settled(run, at, patience):
            async with db.session_context(begin_transaction=True) as session:
                await decide(session, run.id)


def settled(run: FlowRun, at: datetime, patience: Patience) -> bool:
    """Return True if no second report of the run's death can come.

    A worker reports a death twice. A retry between the two reports would look like the dead process. A run
    that is presumed dead was already silent for long enough.
    """
    assert run.state is not None  # its type was asked for
    return message_of(run).startswith(PRESUMED) or at - run.state.timestamp >= timedelta(
        seconds=patience.settled_after_s
    )


async def decide(session: AsyncSession, run_id: UUID) -> None:
    run = await still_crashed(session, run_id)
    if run is None:
        return
    why = message_of(run)
    if may_be_retried(await past(session, run_id)):
        state = AwaitingRetry(message=f"{RETRIED}, for the process had died. {RUNBOOK}")
        await set_flow_run_state(session, run_id, state, flow_policy=CoreFlowPolicy)
    else:
        left = State(type=StateType.CRASHED, message=f"{GIVEN_UP}, it waits for a person: {why}")
        await set_flow_run_state(session, run_id, left, force=True)


def message_of(run: FlowRun) -> str:
    return "" if run.state is None else run.state.message or ""


@db_injector
async def crashed_runs(db: PrefectDBInterface, session: AsyncSession, since: datetime) -> list[FlowRun]:
    """Return the crashed runs of our deployments that are not yet decided."""
    query = sa.select(db.FlowRun).where(
        db.FlowRun.state_type == StateType.CRASHED,
        db.FlowRun.state_timestamp > since,
        db.FlowRun.deployment_id.is_not(None),
    )
    return [
        run
        for run in (await session.execute(query)).scalars()
        if TAG in run.tags and not message_of(run).startswith(GIVEN_UP)
    ]


@db_injector
async def still_crashed(db: PrefectDBInterface, session: AsyncSession, run_id: UUID) -> FlowRun | None:
    """Lock the run until the transaction ends and return it; None if a person was faster."""
    query = (
        sa.select(db.FlowRun)
        .where(db.FlowRun.id == run_id, db.FlowRun.state_type == StateType.CRASHED)
        .with_for_update(of=db.FlowRun)
    )
    return (await session.execute(query)).scalar_one_or_none()


@db_injector
async def past(db: PrefectDBInterface, session: AsyncSession, run_id: UUID) -> list[Past]:
    query = (
        sa.select(db.FlowRunState)
        .where(db.FlowRunState.flow_run_id == run_id)
        .order_by(db.FlowRunState.timestamp)
    )
    return [Past(state.type.value, state.message or "") for state in (await session.execute(query)).scalars()]
