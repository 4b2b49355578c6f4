"""Lists what runs hold in Postgres, and removes it when it is no longer needed.

Only the owner can do this: the writer may remove nothing.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from psycopg import sql
from sqlalchemy import Connection, Engine, text

from db.locks import night_lock, nights_lock
from db.session import driver, translated
from nightjar.core.errors.database import OwnerNeeded, StoreUnavailable
from nightjar.core.night.entities import RunState
from nightjar.core.upkeep.retention import Holding, Month, Named, Trace

BATCH_ROWS = 50_000
OF_RUN = sql.SQL("run_id = %(id)s")
HELD_BY = MappingProxyType(
    {
        "score": sql.SQL("run_id = %(id)s AND score_date = %(score_date)s"),
        "quarantined_row": OF_RUN,
        "input_profile": OF_RUN,
        "reading": OF_RUN,
        "audited_rows": OF_RUN,
        "finding": OF_RUN,
        "stage": OF_RUN,
        "receipt": OF_RUN,
        "drift": OF_RUN,
        "expectation": OF_RUN,
        "reason": OF_RUN,
        "explanation": OF_RUN,
        "report": OF_RUN,
    }
)
"""Tables with rows of runs -> the condition that selects a run's rows.

They are in the order in which rows may be deleted, because of their foreign keys.
"""

LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '3s'")
"""The drop of a month waits for its readers. Later readers wait behind it, so the wait is short."""

OWNER = text(
    "SELECT current_user, pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'nightjar.score'::regclass"
)
MARK = text("UPDATE nightjar.run SET state = 'pruned' WHERE id = :id")
MODELS = text("SELECT DISTINCT model FROM nightjar.model_version")
ONLY_US = text("LOCK TABLE ONLY nightjar.score IN ACCESS EXCLUSIVE MODE")
MONTHS = text("""
    SELECT relname, to_date(relname, '"score_"YYYY_MM') AS first
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'nightjar.score'::regclass ORDER BY relname
""")
SCORED = text("""
    SELECT id, score_date FROM nightjar.run
    WHERE EXISTS (
        SELECT FROM nightjar.score WHERE score.score_date = run.score_date AND score.run_id = run.id
    )
""")
NAMED = text("""
    SELECT uri, NULL::integer AS run_id FROM nightjar.dataset
    UNION ALL SELECT artifact_uri, NULL FROM nightjar.model_version
    UNION ALL SELECT reference_uri, NULL FROM nightjar.model_version
    UNION ALL SELECT evidence_uri, NULL FROM nightjar.model_version WHERE evidence_uri IS NOT NULL
    UNION ALL SELECT golden_uri, NULL FROM nightjar.model_version WHERE golden_uri IS NOT NULL
    UNION ALL SELECT uri, run_id FROM nightjar.report
    UNION ALL SELECT unnest(files), NULL FROM nightjar.backtest_step
    UNION ALL SELECT population_uri, id FROM nightjar.run
        WHERE population_uri IS NOT NULL AND state <> 'pruned'
""")
TRACES = """
    SELECT id, model, score_date, state, greatest(claimed_at, ended_at) AS touched_at, base_id,
        EXISTS (SELECT FROM nightjar.publication WHERE publication.run_id = run.id) AS published
    FROM nightjar.run
"""
WITH_ROWS = text(
    TRACES  # noqa: S608  # both halves are constants
    + """WHERE state <> 'pruned'
        OR EXISTS (
            SELECT FROM nightjar.score WHERE score.score_date = run.score_date AND score.run_id = run.id
        )
        OR EXISTS (SELECT FROM nightjar.receipt WHERE receipt.run_id = run.id)
        OR EXISTS (SELECT FROM nightjar.stage WHERE stage.run_id = run.id)
        OR EXISTS (SELECT FROM nightjar.drift WHERE drift.run_id = run.id)
        OR EXISTS (SELECT FROM nightjar.explanation WHERE explanation.run_id = run.id)
        OR EXISTS (SELECT FROM nightjar.report WHERE report.run_id = run.id)
    ORDER BY id"""
)
"""Rows in quarantine and profiles need no separate query: they are deleted before the receipts."""

ONE = text(TRACES + "WHERE id = :id FOR UPDATE")
WEIGH = sql.SQL(
    "SELECT count(*), coalesce(sum(pg_column_size(held.*)), 0) FROM {table} AS held WHERE {of_run}"
)
REMOVE = sql.SQL("""
    WITH gone AS (
        DELETE FROM {table} AS held USING (SELECT ctid FROM {table} WHERE {of_run} LIMIT %(batch)s) AS batch
        WHERE {of_run} AND held.ctid = batch.ctid
        RETURNING pg_column_size(held.*) AS size
    )
    SELECT count(*), coalesce(sum(size), 0) FROM gone
""")
"""A join finds the rows of the batch by their places. An array would be compared with each row of the run."""


@dataclass(frozen=True, slots=True)
class PostgresHoldings:
    """The `RunHoldings` port, on the owner's connections. batch_rows: how many rows go in one transaction."""

    engine: Engine
    batch_rows: int = BATCH_ROWS

    def runs(self) -> tuple[Trace, ...]:
        with translated(), self.engine.connect() as connection:
            return tuple(_trace(row) for row in connection.execute(WITH_ROWS).mappings())

    def held(self, runs: Sequence[Trace]) -> tuple[Holding, ...]:
        with translated(), self.engine.connect() as connection:
            return tuple(
                Holding(table, *_counted(connection, WEIGH, table, run)) for table in HELD_BY for run in runs
            )

    def named(self) -> tuple[Named, ...]:
        with translated(), self.engine.connect() as connection:
            return tuple(Named(row.uri, row.run_id) for row in connection.execute(NAMED))

    def forget(self, run: Trace) -> tuple[Holding, ...] | None:
        with night_lock(self.engine, run.model, run.score_date, wait_s=0):
            with translated(), self.engine.begin() as connection:
                connection.execute(LOCK_TIMEOUT)
                if _trace(connection.execute(ONE, {"id": run.id}).mappings().one()) != run:
                    return None
                if run.state is not RunState.PRUNED:
                    connection.execute(MARK, {"id": run.id})
            return tuple(Holding(table, *batch) for table in HELD_BY for batch in self._removed(table, run))

    def months(self) -> tuple[Month, ...]:
        with translated(), self.engine.connect() as connection:
            scored = [(row.id, row.score_date.replace(day=1)) for row in connection.execute(SCORED)]
            found = connection.execute(MONTHS).all()
        return tuple(
            Month(name, first, frozenset(run for run, month in scored if month == first))
            for name, first in found
        )

    def drop(self, month: Month) -> bool:
        """Drop a month while all its nights are held.

        A night ensures that its month exists when it takes its lock.
        """
        with translated(), self.engine.connect() as connection:
            models = connection.execute(MODELS).scalars().all()
        with nights_lock(
            self.engine, [(model, day) for model in models for day in _days(month.first)]
        ) as held:
            return held and self._dropped(sql.Identifier("nightjar", month.name))

    def _removed(self, table: str, run: Trace) -> Iterator[tuple[int, int]]:
        """Yield the rows and bytes of each batch after its deletion is committed."""
        rows = self.batch_rows
        while rows == self.batch_rows:
            with translated(), self.engine.begin() as connection:
                rows, size = _counted(connection, REMOVE, table, run, batch=self.batch_rows)
            yield rows, size

    def _dropped(self, partition: sql.Identifier) -> bool:
        try:
            with translated(), self.engine.begin() as connection:
                connection.execute(LOCK_TIMEOUT)
                connection.execute(ONLY_US)
                empty = (
                    driver(connection).execute(sql.SQL("SELECT FROM {} LIMIT 1").format(partition)).fetchone()
                    is None
                )
                if empty:
                    driver(connection).execute(sql.SQL("DROP TABLE {}").format(partition))
                return empty
        # Its readers did not end in time. If the database is gone, the next call raises.
        except StoreUnavailable:
            return False


def require_owner(engine: Engine) -> None:
    """Raises OwnerNeeded unless the connections have the rights of the schema's owner."""
    with translated(), engine.connect() as connection:
        user, owns = connection.execute(OWNER).one()
    if not owns:
        raise OwnerNeeded(user)


def _trace(row: Mapping[Any, Any]) -> Trace:
    return Trace(**{**row, "state": RunState(row["state"])})


def _counted(
    connection: Connection, query: sql.SQL, table: str, run: Trace, **values: int
) -> tuple[int, int]:
    """Return the rows and bytes that a query about one run and table finds."""
    statement = query.format(table=sql.Identifier("nightjar", table), of_run=HELD_BY[table])
    found = (
        driver(connection)
        .execute(statement, {"id": run.id, "score_date": run.score_date, **values})
        .fetchone()
    )
    assert found is not None
    return int(found[0]), int(found[1])


def _days(first: date) -> Iterator[date]:
    return (first.replace(day=day) for day in range(1, monthrange(first.year, first.month)[1] + 1))
