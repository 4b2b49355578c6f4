"""Drift rows and reports of runs in Postgres."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select, text
from sqlalchemy.dialects.postgresql import insert

from db.adding import add
from db.session import translated
from db.tables import DriftRow, ReportRow, table_of
from nightjar.core.monitoring.drift import DECIDED, DECIDES
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.night.entities import Run

DRIFT = table_of(DriftRow)
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('nightjar drift of run ' || :run_id, 0))")
COMPARED = text("""
    SELECT DISTINCT run_id FROM nightjar.drift WHERE run_id = ANY(:runs) AND method = ANY(:methods)
""")


@dataclass(frozen=True, slots=True)
class PostgresDriftLedger:
    """The `DriftLedger` port.

    Several processes may use it at once. If two of them find a published night, both report it.
    """

    engine: Engine

    def record_drift(self, run: Run, columns: Sequence[ColumnDrift]) -> None:
        with translated(), self.engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME, {"run_id": str(run.id)})
            kept = _newest(connection, run)
            changed = {
                method
                for method in {column.method for column in columns}
                if _of_method(method, columns) != _of_method(method, kept)
            }
            add(connection, DRIFT, [_stored(run, column) for column in columns if column.method in changed])

    def record_report(self, run: Run, kind: str, uri: str) -> None:
        with translated(), self.engine.begin() as connection:
            connection.execute(
                insert(table_of(ReportRow)).values(run_id=run.id, kind=kind, uri=uri).on_conflict_do_nothing()
            )

    def drift(self, run: Run) -> tuple[ColumnDrift, ...]:
        with translated(), self.engine.connect() as connection:
            newest = _newest(connection, run)
            return _of(DECIDES, newest) or _of(DECIDED, newest)

    def compared(self, runs: Collection[int]) -> frozenset[int]:
        asked = {"runs": [*runs], "methods": [DECIDES, DECIDED]}
        with translated(), self.engine.connect() as connection:
            return frozenset(connection.execute(COMPARED, asked).scalars())

    def reports(self, run: Run, kind: str) -> tuple[str, ...]:
        table = table_of(ReportRow)
        with translated(), self.engine.connect() as connection:
            return tuple(
                connection.execute(
                    select(table.c.uri)
                    .where(table.c.run_id == run.id, table.c.kind == kind)
                    .order_by(table.c.id)
                ).scalars()
            )


def _newest(connection: Connection, run: Run) -> tuple[ColumnDrift, ...]:
    """Return the newest measurement by each method, by column."""
    other = DRIFT.alias()
    at = (
        select(func.max(other.c.measured_at))
        .where(other.c.run_id == run.id, other.c.method == DRIFT.c.method)
        .scalar_subquery()
    )
    wanted = (
        select(DRIFT).where(DRIFT.c.run_id == run.id, DRIFT.c.measured_at == at).order_by(DRIFT.c.column_name)
    )
    return tuple(_column(row) for row in connection.execute(wanted))


def _of(method: str, columns: Sequence[ColumnDrift]) -> tuple[ColumnDrift, ...]:
    return tuple(column for column in columns if column.method == method)


def _column(row: Row[Any]) -> ColumnDrift:
    fields = {name: getattr(row, name) for name in ColumnDrift.model_fields if name != "column"}
    return ColumnDrift(column=row.column_name, **fields)


def _stored(run: Run, column: ColumnDrift) -> dict[str, Any]:
    return {"run_id": run.id, "column_name": column.column, **column.model_dump(exclude={"column"})}


def _of_method(method: str, columns: Sequence[ColumnDrift]) -> dict[str, ColumnDrift]:
    return {column.column: column for column in columns if column.method == method}
