"""Runs, parts and publications of nights in Postgres. Each method is one transaction; the night's lock lives on a connection of its own."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from psycopg import sql
from psycopg.errors import RestrictViolation
from sqlalchemy import Connection, Engine, Row, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from db.copy import copy_frame, read_frame
from db.locks import held_nights, night_lock
from db.migrate import require_head
from db.session import translated
from db.tables import PublicationRow, QuarantinedRow, ReceiptRow, RunRow, ScoreRow, table_of
from nightjar.core.comparison.entities import Distribution
from nightjar.core.comparison.profile import STEPS
from nightjar.core.errors.night import AuditFailed, ClaimLost, RepairOutdated
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.entities import Version
from nightjar.core.night.claim import PUBLISHED, UNFINISHED, Claimed, Request, Step, new_revision, next_step
from nightjar.core.night.entities import Night, Part, Population, Publication, Receipt, Run, RunState
from nightjar.core.night.part_rows import QUARANTINED as QUARANTINED_COLUMNS
from nightjar.core.night.part_rows import SCORES as SCORE_COLUMNS
from nightjar.core.night.part_rows import require_storable
from nightjar.core.night.plan import Standing
from nightjar.core.ports.going_on import GoOn, unasked

RUNS, RECEIPTS, PUBLICATIONS, SCORES = table_of(RunRow), table_of(ReceiptRow), table_of(PublicationRow), table_of(ScoreRow)
LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '30s'")
"""A run's row is held while one part is stored; whoever holds it longer has vanished, and the call is worth repeating."""

LEDGER = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
"""Whoever points a night's ledger to a run does it alone, so that what it looked at is still true when its row is there."""

MONTH = text("SELECT nightjar.ensure_score_partition(:score_date)")
DISTRIBUTION = text("""
    SELECT count(score) AS rows, coalesce(avg(score), 'NaN') AS mean, coalesce(stddev_pop(score), 'NaN') AS stddev,
           count(DISTINCT score) AS distinct, count(carried_from) AS carried,
           coalesce(percentile_disc(CAST(:steps AS double precision[])) WITHIN GROUP (ORDER BY score), '{}') AS quantiles
    FROM nightjar.score WHERE run_id = :run_id AND score_date = :score_date
""")
EVENLY = [step / STEPS for step in range(STEPS + 1)]
PUBLISHED_SCORES = sql.SQL(
    "SELECT entity_key, score, challenger_score, carried_from FROM nightjar.score "
    'WHERE score_date = %s AND run_id = %s ORDER BY entity_key COLLATE "C"'
)
SCORES_FOR = sql.SQL("SELECT entity_key, score FROM nightjar.score WHERE score_date = %s AND run_id = %s AND entity_key = ANY(%s)")
QUARANTINED_OF_RUN = sql.SQL("SELECT entity_key, reasons::text, row::text FROM nightjar.quarantined_row WHERE run_id = %s ORDER BY part, row_number")


@dataclass(frozen=True, slots=True)
class PostgresScoreStore:
    """The `ScoreStore` port. Threads may share one."""

    engine: Engine

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
            require_head(self.engine)  # again: a migration may just have ended for which this code waited
            with translated(), self.engine.begin() as connection:  # on its own: it locks tables that a claim holds rows of
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

    def receipts(self, run: Run) -> tuple[Receipt, ...]:
        wanted = select(RECEIPTS).where(RECEIPTS.c.run_id == run.id).order_by(RECEIPTS.c.part)
        with translated(), self.engine.connect() as connection:
            return tuple(_receipt(row) for row in connection.execute(wanted))

    def write_part(self, run: Run, part: Part, scores: pl.DataFrame, quarantined: pl.DataFrame) -> Receipt:
        require_storable(run, part, scores, quarantined)
        counts = {"rows": part.rows, "scored": scores.height, "quarantined": quarantined.height, "attempt": run.attempt}
        with translated(), self.engine.begin() as connection:
            hold(connection, run, share=True)
            # The receipt goes first: of two processes that write the same part, the second waits here and then finds it written.
            receipt = upsert(RECEIPTS).values(run_id=run.id, part=part.number, **counts).on_conflict_do_nothing().returning(RECEIPTS)
            stored = connection.execute(receipt).one_or_none()
            if stored is not None:
                _copy_part(connection, run, part, scores, quarantined)
            else:
                of_part = select(RECEIPTS).where(RECEIPTS.c.run_id == run.id, RECEIPTS.c.part == part.number)
                stored = connection.execute(of_part).one()
        return _receipt(stored)

    def distribution(self, run: Run) -> Distribution:
        with translated(), self.engine.connect() as connection:
            found = connection.execute(DISTRIBUTION, {"run_id": run.id, "score_date": run.score_date, "steps": EVENLY}).mappings().one()
        return Distribution(score_date=run.score_date, **found)

    def publish(self, run: Run, reason: str | None = None, findings: Sequence[str] = (), *, go_on: GoOn = unasked) -> Publication:
        with translated(), self.engine.begin() as connection:
            connection.execute(LOCK_TIMEOUT)
            _hold_ledger(connection, run)
            _stored(connection, run)
            first = connection.execute(select(PUBLICATIONS).where(PUBLICATIONS.c.run_id == run.id, PUBLICATIONS.c.action == "publish")).one_or_none()
            if first is not None:
                return _publication(first)
            held = hold(connection, run)
            _require_base_shown(connection, held)
            flow_run = _counted(connection, held)
            go_on(last=True)
            return _publication(_point_to(connection, held, "publish", reason, flow_run, findings))

    def roll_back(self, run: Run, reason: str) -> Publication:
        """Show analysts an earlier publication of the night again; nothing changes if they see it now.

        Raises BadSettings for a run that never was published.
        """
        with translated(), self.engine.begin() as connection:
            connection.execute(LOCK_TIMEOUT)
            _hold_ledger(connection, run)
            stored = connection.execute(select(RUNS).where(RUNS.c.id == run.id).with_for_update()).one()
            if stored.state != RunState.PUBLISHED:
                raise BadSettings(
                    f"Run {run.id} of {run.model} {run.score_date} was never published", "Name one that `nightjar status` lists as published."
                )
            current = _current(connection, run.model, run.score_date)
            if current is not None and current.run_id == run.id:
                return current
            return _publication(_point_to(connection, run, "rollback", reason, None))

    def fail(self, run: Run, error: str) -> None:
        ended = {"state": RunState.FAILED, "error": error.replace("\0", "\ufffd")}
        of_night = (RUNS.c.model == run.model) & (RUNS.c.score_date == run.score_date)
        ours = of_night & (RUNS.c.id == run.id) & (RUNS.c.attempt == run.attempt) & (RUNS.c.state == RunState.CLAIMED)
        with translated(), self.engine.begin() as connection:
            connection.execute(update(RUNS).where(ours).values(ended))

    def publication(self, model: str, score_date: date) -> Publication | None:
        with translated(), self.engine.connect() as connection:
            return _current(connection, model, score_date)

    def published(self, model: str) -> tuple[Publication, ...]:
        wanted = select(PUBLICATIONS).distinct(PUBLICATIONS.c.score_date).where(PUBLICATIONS.c.model == model)
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(wanted.order_by(PUBLICATIONS.c.score_date, PUBLICATIONS.c.id.desc()))
            return tuple(_publication(row) for row in rows)

    def standings(self, model: str, first: date, last: date) -> dict[date, Standing]:
        ours = (RUNS.c.model == model) & RUNS.c.score_date.between(first, last)
        newest = select(RUNS).distinct(RUNS.c.score_date).where(ours).order_by(RUNS.c.score_date, RUNS.c.revision.desc())
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(newest).all()
            held = held_nights(connection, model, [row.score_date for row in rows])
            published = set(connection.execute(select(PUBLICATIONS.c.score_date).where(PUBLICATIONS.c.model == model)).scalars())
        return {
            row.score_date: Standing(run=_run(row), error=row.error, published=row.score_date in published, held=row.score_date in held)
            for row in rows
        }

    def run(self, run_id: int) -> Run:
        with translated(), self.engine.connect() as connection:
            return _run(connection.execute(select(RUNS).where(RUNS.c.id == run_id)).one())

    def runs(self, model: str | None = None, limit: int = 20) -> tuple[Run, ...]:
        wanted = select(RUNS) if model is None else select(RUNS).where(RUNS.c.model == model)
        with translated(), self.engine.connect() as connection:
            return tuple(_run(row) for row in connection.execute(wanted.order_by(RUNS.c.id.desc()).limit(limit)))

    def claimants(self, flow_runs: Collection[str]) -> frozenset[str]:
        with translated(), self.engine.connect() as connection:
            return frozenset(connection.execute(select(RUNS.c.flow_run).where(RUNS.c.flow_run.in_(flow_runs))).scalars())

    def published_scores(self, run: Run) -> pl.DataFrame:
        with translated(), self.engine.connect() as connection:
            return read_frame(connection, PUBLISHED_SCORES, [run.score_date, run.id], SCORE_COLUMNS)

    def scores_for(self, run: Run, keys: pl.Series) -> pl.DataFrame:
        with translated(), self.engine.connect() as connection:
            return read_frame(
                connection, SCORES_FOR, [run.score_date, run.id, keys.to_list()], {name: SCORE_COLUMNS[name] for name in ("entity_key", "score")}
            )

    def quarantined(self, run: Run) -> pl.DataFrame:
        with translated(), self.engine.connect() as connection:
            return read_frame(connection, QUARANTINED_OF_RUN, [run.id], QUARANTINED_COLUMNS)


def _claimed(connection: Connection, night: Night, champion: Version, challenger: Version | None, request: Request) -> Claimed:
    """Do what `next_step` decides. The caller holds the night's lock."""
    connection.execute(LOCK_TIMEOUT)
    of_night = (RUNS.c.model == night.model) & (RUNS.c.score_date == night.score_date)
    row = connection.execute(select(RUNS).where(of_night).order_by(RUNS.c.revision.desc()).limit(1).with_for_update()).one_or_none()
    newest, publication = None if row is None else _run(row), _current(connection, night.model, night.score_date)
    published = None if publication is None else _run(connection.execute(select(RUNS).where(RUNS.c.id == publication.run_id)).one())
    same_flow_run = row is not None and request.flow_run is not None and row.flow_run == request.flow_run
    step = next_step(newest, published, request, same_flow_run=same_flow_run)
    if step is Step.PUBLISHED and published is not None:
        return Claimed(published, publication)
    if step is Step.RESUME and newest is not None:
        return Claimed(_resumed(connection, newest, request.flow_run))
    values = new_revision(night, newest, published, champion, challenger, request)
    return Claimed(_begun(connection, newest, values | {"flow_run": request.flow_run}))


def _current(connection: Connection, model: str, score_date: date) -> Publication | None:
    of_night = select(PUBLICATIONS).where(PUBLICATIONS.c.model == model, PUBLICATIONS.c.score_date == score_date)
    row = connection.execute(of_night.order_by(PUBLICATIONS.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _publication(row)


def _resumed(connection: Connection, run: Run, flow_run: str | None) -> Run:
    again = {"attempt": run.attempt + 1, "state": RunState.CLAIMED, "flow_run": flow_run, "error": None}
    return _run(connection.execute(update(RUNS).where(RUNS.c.id == run.id).values(again).returning(RUNS)).one())


def _begun(connection: Connection, newest: Run | None, values: dict[str, Any]) -> Run:
    if newest is not None and newest.state in UNFINISHED:
        # Its attempt is over too: a process that still works for it can neither write nor publish.
        gone = {"state": RunState.ABANDONED, "attempt": newest.attempt + 1}
        connection.execute(update(RUNS).where(RUNS.c.id == newest.id).values(gone))
    return _run(connection.execute(insert(RUNS).values(values).returning(RUNS)).one())


def hold(connection: Connection, run: Run, *, share: bool = False) -> Run:
    """The run as stored, kept from changing until the transaction ends. Raises ClaimLost if another attempt has it, or it has ended."""
    stored = _stored(connection, run, share=share)
    if stored.state is not RunState.CLAIMED:
        raise ClaimLost(run.model, run.score_date, run.id)
    return stored


def _stored(connection: Connection, run: Run, *, share: bool = False) -> Run:
    """The same, claimed or ended. The number alone proves nothing: a database put back to an earlier moment gives it to another night."""
    row = connection.execute(select(RUNS).where(RUNS.c.id == run.id).with_for_update(read=share)).one_or_none()
    stored = None if row is None else _run(row)
    if stored is None or stored.model_copy(update={"state": run.state, "population": run.population}) != run:
        raise ClaimLost(run.model, run.score_date, run.id)
    return stored


def _copy_part(connection: Connection, run: Run, part: Part, scores: pl.DataFrame, quarantined: pl.DataFrame) -> None:
    of_part = {"run_id": pl.lit(run.id), "part": pl.lit(part.number)}
    copy_frame(connection, SCORES, scores.with_columns(score_date=pl.lit(run.score_date), **of_part))
    copy_frame(connection, table_of(QuarantinedRow), _storable(quarantined).with_columns(row_number=pl.int_range(pl.len()), **of_part))


def _storable(quarantined: pl.DataFrame) -> pl.DataFrame:
    """Postgres knows no NUL in text, and a broken row must not be able to break its night."""
    return quarantined.cast(pl.String).with_columns(
        pl.all().str.replace_all("\0", "\ufffd", literal=True).str.replace_all("\\u0000", "\\ufffd", literal=True)
    )


def _counted(connection: Connection, run: Run) -> str | None:
    """Make the run published, which the database does if all of it is stored; its flow run. Raises AuditFailed, which nobody can accept."""
    published = update(RUNS).where(RUNS.c.id == run.id).values(state=RunState.PUBLISHED, error=None)
    try:
        return connection.execute(published.returning(RUNS.c.flow_run)).scalar_one()
    except IntegrityError as error:
        if not isinstance(error.orig, RestrictViolation):
            raise
        raise AuditFailed(run.model, run.score_date, [error.orig.diag.message_primary or ""], acceptable=False) from error


def _require_base_shown(connection: Connection, run: Run) -> None:
    """A repair keeps scores of the run it repairs: where that was rolled back meanwhile, they must not come back by it."""
    shown = None if run.base_id is None else _current(connection, run.model, run.score_date)
    if run.base_id is not None and shown is not None and shown.run_id != run.base_id:
        raise RepairOutdated(run.model, run.score_date, run.id, run.base_id, shown.run_id)


def _hold_ledger(connection: Connection, run: Run) -> None:
    connection.execute(LEDGER, {"what": f"ledger of {run.model} {run.score_date}"})


def _point_to(connection: Connection, run: Run, action: str, reason: str | None, flow_run: str | None, findings: Sequence[str] = ()) -> Row[Any]:
    night = {"model": run.model, "score_date": run.score_date, "run_id": run.id}
    why = {"action": action, "reason": reason, "flow_run": flow_run, "findings": list(findings)}
    return connection.execute(insert(PUBLICATIONS).values(night | why).returning(PUBLICATIONS)).one()


def _run(row: Row[Any]) -> Run:
    fields = {name: getattr(row, name) for name in Run.model_fields if name != "population"}
    population = {name: getattr(row, f"population_{name}") for name in Population.model_fields}
    return Run(**fields, population=Population(**population) if population["uri"] is not None else None)


def _receipt(row: Row[Any]) -> Receipt:
    return Receipt(**{name: getattr(row, name) for name in Receipt.model_fields})


def _publication(row: Row[Any]) -> Publication:
    return Publication(**{name: getattr(row, name) for name in Publication.model_fields})
