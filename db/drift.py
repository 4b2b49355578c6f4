"""Drift rows and reports of runs in Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from db.session import translated
from db.tables import DriftRow, ReportRow, RunRow, table_of
from nightjar.core.drift import DECIDES
from nightjar.core.entities import ColumnDrift, Run

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('nightjar drift of run ' || :run_id, 0))")


@dataclass(frozen=True, slots=True)
class PostgresDriftLedger:
    """The `DriftLedger` port. Safe for several processes at once: a night that two of them found published is reported by both."""

    engine: Engine

    def record_drift(self, run: Run, columns: Sequence[ColumnDrift]) -> None:
        table = table_of(DriftRow)
        methods = {column.method for column in columns}
        rows = [{"run_id": run.id, "column_name": column.column, **column.model_dump(exclude={"column"})} for column in columns]
        with translated(), self.engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME, {"run_id": str(run.id)})
            connection.execute(delete(table).where(table.c.run_id == run.id, table.c.method.in_(methods)))
            if rows:
                connection.execute(insert(table).values(rows))

    def record_report(self, run: Run, kind: str, uri: str) -> None:
        with translated(), self.engine.begin() as connection:
            connection.execute(insert(table_of(ReportRow)).values(run_id=run.id, kind=kind, uri=uri).on_conflict_do_nothing())

    def drift(self, run: Run) -> tuple[ColumnDrift, ...]:
        table = table_of(DriftRow)
        fields = [column.label("column") if column.name == "column_name" else column for column in table.columns]
        wanted = select(*fields).where(table.c.run_id == run.id, table.c.method == DECIDES).order_by(table.c.column_name)
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(wanted).mappings()
            return tuple(ColumnDrift(**{name: row[name] for name in ColumnDrift.model_fields}) for row in rows)

    def compared(self, model: str) -> frozenset[int]:
        drift, runs = table_of(DriftRow), table_of(RunRow)
        wanted = select(drift.c.run_id).distinct().join(runs, runs.c.id == drift.c.run_id).where(runs.c.model == model)
        with translated(), self.engine.connect() as connection:
            return frozenset(connection.execute(wanted.where(drift.c.method == DECIDES)).scalars())

    def reports(self, run: Run) -> tuple[str, ...]:
        table = table_of(ReportRow)
        with translated(), self.engine.connect() as connection:
            return tuple(connection.execute(select(table.c.uri).where(table.c.run_id == run.id).order_by(table.c.id)).scalars())
