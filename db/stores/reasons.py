"""The reasons of published scores in Postgres."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl
from psycopg import sql
from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import insert

from db.copy import copy_frame
from db.reading import read_frame
from db.session import translated
from db.tables import ExplanationRow, ReasonRow, table_of
from nightjar.core.explaining.reasons import REASONS
from nightjar.core.night.entities import Run

EXPLANATIONS = table_of(ExplanationRow)
EXPLAINED = text("SELECT run_id FROM nightjar.explanation WHERE run_id = ANY(:runs)")
OF_RUN = sql.SQL(
    "SELECT entity_key, rank, input, value, contribution, words FROM nightjar.reason "
    'WHERE run_id = %s ORDER BY entity_key COLLATE "C", rank'
)


@dataclass(frozen=True, slots=True)
class PostgresReasons:
    """The `ReasonLedger` port. Of two processes that explain a run, the first one is kept."""

    engine: Engine

    def record(self, run: Run, reasons: pl.DataFrame, note: str | None = None) -> None:
        told = {"run_id": run.id, "rows": reasons["entity_key"].n_unique(), "note": note}
        added = insert(EXPLANATIONS).values(told).on_conflict_do_nothing().returning(EXPLANATIONS.c.run_id)
        with translated(), self.engine.begin() as connection:
            if connection.execute(added).one_or_none() is not None:
                copy_frame(connection, table_of(ReasonRow), reasons.with_columns(run_id=pl.lit(run.id)))

    def explained(self, runs: Collection[int]) -> frozenset[int]:
        with translated(), self.engine.connect() as connection:
            return frozenset(connection.execute(EXPLAINED, {"runs": [*runs]}).scalars())

    def reasons(self, run: Run) -> pl.DataFrame:
        with translated(), self.engine.connect() as connection:
            return read_frame(connection, OF_RUN, [run.id], REASONS)
