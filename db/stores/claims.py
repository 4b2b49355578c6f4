"""Claims of nights in Postgres.

The night's lock lives on a connection of its own; each other method is one transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from db.locks import night_lock
from db.revisions import require_head
from db.session import translated
from db.stores.rows import LOCK_TIMEOUT, RUNS, OnEngine, hold, run_of, shown
from nightjar.core.errors.night import ClaimLost
from nightjar.core.model.entities import Version
from nightjar.core.night.claim import PUBLISHED, UNFINISHED, Claimed, Request, Step, new_revision, next_step
from nightjar.core.night.entities import Night, Population, Run, RunState
from nightjar.core.ports.going_on import GoOn, unasked

MONTH = text("SELECT nightjar.ensure_score_partition(:score_date)")


class PostgresClaims(OnEngine):
    """The `ClaimStore` port. Threads may share one."""

    __slots__ = ()

    @contextmanager
    def night(
        self,
        night: Night,
        champion: Version,
        challenger: Version | None,
        request: Request = PUBLISHED,
        *,
        wait_s: float = 0,
        go_on: GoOn = unasked,
    ) -> Iterator[Claimed]:
        with night_lock(self.engine, night.model, night.score_date, wait_s=wait_s, go_on=go_on):
            require_head(self.engine)  # again: this code may have waited for a migration
            # In a transaction of its own: it locks tables that a claim holds rows of.
            with translated(), self.engine.begin() as connection:
                connection.execute(MONTH, {"score_date": night.score_date})
            with translated(), self.engine.begin() as connection:
                claimed = _claimed(connection, night, champion, challenger, request)
            yield claimed

    def record_population(self, run: Run, population: Population) -> Run:
        values = {f"population_{name}": value for name, value in population.model_dump().items()}
        with translated(), self.engine.begin() as connection:
            kept = hold(connection, run)
            if kept.population is None:
                connection.execute(update(RUNS).where(RUNS.c.id == run.id).values(values))
            elif kept.population != population:
                raise ClaimLost(run.model, run.score_date, run.id)
        return run.model_copy(update={"population": population})

    def fail(self, run: Run, error: str) -> None:
        ended = {"state": RunState.FAILED, "error": error.replace("\0", "\ufffd")}
        of_night = (RUNS.c.model == run.model) & (RUNS.c.score_date == run.score_date)
        ours = (
            of_night
            & (RUNS.c.id == run.id)
            & (RUNS.c.attempt == run.attempt)
            & (RUNS.c.state == RunState.CLAIMED)
        )
        with translated(), self.engine.begin() as connection:
            connection.execute(update(RUNS).where(ours).values(ended))


def _claimed(
    connection: Connection, night: Night, champion: Version, challenger: Version | None, request: Request
) -> Claimed:
    """Do what `next_step` decides. The caller holds the night's lock."""
    connection.execute(LOCK_TIMEOUT)
    of_night = (RUNS.c.model == night.model) & (RUNS.c.score_date == night.score_date)
    row = connection.execute(
        select(RUNS).where(of_night).order_by(RUNS.c.revision.desc()).limit(1).with_for_update()
    ).one_or_none()
    newest = None if row is None else run_of(row)
    publication = shown(connection, night.model, night.score_date)
    published = (
        None
        if publication is None
        else run_of(connection.execute(select(RUNS).where(RUNS.c.id == publication.run_id)).one())
    )
    same_flow_run = row is not None and request.flow_run is not None and row.flow_run == request.flow_run
    step = next_step(newest, published, request, same_flow_run=same_flow_run)
    if step is Step.PUBLISHED and published is not None:
        return Claimed(published, publication)
    if step is Step.RESUME and newest is not None:
        return Claimed(_resumed(connection, newest, request.flow_run))
    values = new_revision(night, newest, published, champion, challenger, request)
    return Claimed(_begun(connection, newest, values | {"flow_run": request.flow_run}))


def _resumed(connection: Connection, run: Run, flow_run: str | None) -> Run:
    again = {"attempt": run.attempt + 1, "state": RunState.CLAIMED, "flow_run": flow_run, "error": None}
    return run_of(
        connection.execute(update(RUNS).where(RUNS.c.id == run.id).values(again).returning(RUNS)).one()
    )


def _begun(connection: Connection, newest: Run | None, values: dict[str, Any]) -> Run:
    if newest is not None and newest.state in UNFINISHED:
        # This ends its attempt too: a process that still works for it cannot write or publish.
        gone = {"state": RunState.ABANDONED, "attempt": newest.attempt + 1}
        connection.execute(update(RUNS).where(RUNS.c.id == newest.id).values(gone))
    return run_of(connection.execute(insert(RUNS).values(values).returning(RUNS)).one())
