"""Runs and publications in Postgres: all runs, and those that analysts see."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from psycopg.errors import RestrictViolation
from sqlalchemy import Connection, Row, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from db.locks import TAKE_FOR_TRANSACTION, held_nights
from db.session import translated
from db.stores.rows import (
    LOCK_TIMEOUT,
    PUBLICATIONS,
    RUNS,
    OnEngine,
    as_claimed,
    hold,
    publication_of,
    run_of,
    shown,
)
from db.values import read_values
from nightjar.core.errors.night import AuditFailed, NeverPublished, RepairOutdated
from nightjar.core.night.entities import Publication, Run, RunState
from nightjar.core.night.plan import Standing
from nightjar.core.ports.going_on import GoOn, unasked

PUBLISHED = text(f"""
    SELECT DISTINCT ON (score_date) {", ".join(Publication.model_fields)}
    FROM nightjar.publication WHERE model = :model ORDER BY score_date, id DESC
""")  # noqa: S608  # words of this module


class PostgresLedger(OnEngine):
    """The `RunReader`, `PublicationReader` and `PublicationWriter` ports. Threads may share one."""

    __slots__ = ()

    def run(self, run_id: int) -> Run:
        with translated(), self.engine.connect() as connection:
            return run_of(connection.execute(select(RUNS).where(RUNS.c.id == run_id)).one())

    def find_run(self, model: str, run_id: int) -> Run | None:
        wanted = select(RUNS).where(RUNS.c.model == model, RUNS.c.id == run_id)
        with translated(), self.engine.connect() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else run_of(row)

    def runs(self, model: str | None = None, limit: int = 20) -> tuple[Run, ...]:
        wanted = select(RUNS) if model is None else select(RUNS).where(RUNS.c.model == model)
        with translated(), self.engine.connect() as connection:
            return tuple(
                run_of(row) for row in connection.execute(wanted.order_by(RUNS.c.id.desc()).limit(limit))
            )

    def runs_of(self, model: str, score_date: date) -> tuple[Run, ...]:
        of_night = select(RUNS).where(RUNS.c.model == model, RUNS.c.score_date == score_date)
        with translated(), self.engine.connect() as connection:
            return tuple(run_of(row) for row in connection.execute(of_night.order_by(RUNS.c.id)))

    def standings(self, model: str, first: date, last: date) -> dict[date, Standing]:
        ours = (RUNS.c.model == model) & RUNS.c.score_date.between(first, last)
        newest = (
            select(RUNS)
            .distinct(RUNS.c.score_date)
            .where(ours)
            .order_by(RUNS.c.score_date, RUNS.c.revision.desc())
        )
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(newest).all()
            held = held_nights(connection, model, [row.score_date for row in rows])
            of_days = (PUBLICATIONS.c.model == model) & PUBLICATIONS.c.score_date.between(first, last)
            published = {*connection.execute(select(PUBLICATIONS.c.score_date).where(of_days)).scalars()}
        return {
            row.score_date: Standing(
                run=run_of(row),
                error=row.error,
                published=row.score_date in published,
                held=row.score_date in held,
                flow_run=row.flow_run,
                claimed_at=row.claimed_at,
            )
            for row in rows
        }

    def claimants(self, flow_runs: Collection[str]) -> frozenset[str]:
        with translated(), self.engine.connect() as connection:
            return frozenset(
                connection.execute(select(RUNS.c.flow_run).where(RUNS.c.flow_run.in_(flow_runs))).scalars()
            )

    def publication(self, model: str, score_date: date) -> Publication | None:
        with translated(), self.engine.connect() as connection:
            return shown(connection, model, score_date)

    def publications_of(self, model: str, score_date: date) -> tuple[Publication, ...]:
        of_night = (PUBLICATIONS.c.model == model) & (PUBLICATIONS.c.score_date == score_date)
        wanted = select(PUBLICATIONS).where(of_night).order_by(PUBLICATIONS.c.id)
        with translated(), self.engine.connect() as connection:
            return tuple(publication_of(row) for row in connection.execute(wanted))

    def published(self, model: str) -> tuple[Publication, ...]:
        with translated(), self.engine.connect() as connection:
            return read_values(connection, PUBLISHED, {"model": model}, Publication)

    def publish(
        self, run: Run, reason: str | None = None, findings: Sequence[str] = (), *, go_on: GoOn = unasked
    ) -> Publication:
        with translated(), self.engine.begin() as connection:
            connection.execute(LOCK_TIMEOUT)
            _hold_ledger(connection, run)
            as_claimed(connection, run)
            first = connection.execute(
                select(PUBLICATIONS).where(
                    PUBLICATIONS.c.run_id == run.id, PUBLICATIONS.c.action == "publish"
                )
            ).one_or_none()
            if first is not None:
                return publication_of(first)
            held = hold(connection, run)
            _require_base_shown(connection, held)
            flow_run = _counted(connection, held)
            go_on(last=True)
            return publication_of(_point_to(connection, held, "publish", reason, flow_run, findings))

    def roll_back(self, run: Run, reason: str) -> Publication:
        """Show analysts an earlier publication of the night again. Changes nothing if they see it now.

        Raises NeverPublished.
        """
        with translated(), self.engine.begin() as connection:
            connection.execute(LOCK_TIMEOUT)
            _hold_ledger(connection, run)
            stored = connection.execute(select(RUNS).where(RUNS.c.id == run.id).with_for_update()).one()
            if stored.state != RunState.PUBLISHED:
                raise NeverPublished(run.model, run.score_date, run.id)
            current = shown(connection, run.model, run.score_date)
            if current is not None and current.run_id == run.id:
                return current
            return publication_of(_point_to(connection, run, "rollback", reason, None))


def _counted(connection: Connection, run: Run) -> str | None:
    """Mark the run as published and return its flow run. The database allows this if all parts are stored.

    Raises AuditFailed. A person cannot accept this failure.
    """
    published = update(RUNS).where(RUNS.c.id == run.id).values(state=RunState.PUBLISHED, error=None)
    try:
        return connection.execute(published.returning(RUNS.c.flow_run)).scalar_one()
    except IntegrityError as error:
        if not isinstance(error.orig, RestrictViolation):
            raise
        raise AuditFailed(
            run.model, run.score_date, [error.orig.diag.message_primary or ""], acceptable=False
        ) from error


def _require_base_shown(connection: Connection, run: Run) -> None:
    """Raises RepairOutdated if the repaired run was rolled back meanwhile.

    A repair keeps scores of that run. It must not bring them back.
    """
    now = None if run.base_id is None else shown(connection, run.model, run.score_date)
    if run.base_id is not None and now is not None and now.run_id != run.base_id:
        raise RepairOutdated(run.model, run.score_date, run.id, run.base_id, now.run_id)


def _hold_ledger(connection: Connection, run: Run) -> None:
    """Only one process at a time may point a night's ledger to a run.

    So the facts that it checked are still true when its row is written.
    """
    connection.execute(TAKE_FOR_TRANSACTION, {"what": f"ledger of {run.model} {run.score_date}"})


def _point_to(
    connection: Connection,
    run: Run,
    action: str,
    reason: str | None,
    flow_run: str | None,
    findings: Sequence[str] = (),
) -> Row[Any]:
    night = {"model": run.model, "score_date": run.score_date, "run_id": run.id}
    why = {"action": action, "reason": reason, "flow_run": flow_run, "findings": list(findings)}
    return connection.execute(insert(PUBLICATIONS).values(night | why).returning(PUBLICATIONS)).one()
