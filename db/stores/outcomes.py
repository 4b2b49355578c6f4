"""What really happened, and how the published nights did against it, in Postgres."""

from dataclasses import dataclass
from datetime import date

import polars as pl
from psycopg import sql
from sqlalchemy import Column, Engine, MetaData, Table, insert, select, text

from db.copy import copy_frame, read_frame
from db.session import translated
from db.tables import OutcomeRow, PerformanceRow, RunRow, table_of
from nightjar.core.monitoring.entities import NightPerformance

LANDED = Table("landed", MetaData(), *(Column(column.name, column.type, nullable=False) for column in table_of(OutcomeRow).columns))
STAGE = text("CREATE TEMPORARY TABLE landed (LIKE nightjar.outcome INCLUDING DEFAULTS) ON COMMIT DROP")
NEWS = text("INSERT INTO nightjar.outcome SELECT * FROM landed ON CONFLICT DO NOTHING")
SCORED = sql.SQL("""
    SELECT score.entity_key, score.score, known.outcome
    FROM (SELECT run_id FROM nightjar.publication WHERE model = %(model)s AND score_date = %(day)s ORDER BY id DESC LIMIT 1) AS published
    JOIN nightjar.score ON score.run_id = published.run_id AND score.score_date = %(day)s
    LEFT JOIN (
        SELECT DISTINCT ON (entity_key) entity_key, outcome FROM nightjar.outcome
        WHERE model = %(model)s AND score_date = %(day)s ORDER BY entity_key, recorded_at DESC
    ) AS known ON known.entity_key = score.entity_key
""")


@dataclass(frozen=True, slots=True)
class PostgresOutcomes:
    """The `Outcomes` port."""

    engine: Engine

    def record(self, model: str, outcomes: pl.DataFrame) -> int:
        rows = outcomes.select("score_date", "entity_key", "recorded_at", "outcome", model=pl.lit(model))
        with translated(), self.engine.begin() as connection:
            connection.execute(STAGE)
            copy_frame(connection, LANDED, rows)
            return connection.execute(NEWS).rowcount

    def record_performance(self, performance: NightPerformance) -> None:
        values = performance.model_dump(exclude={"model", "score_date"})
        with translated(), self.engine.begin() as connection:
            connection.execute(insert(table_of(PerformanceRow)).values(values))

    def performances(self, model: str) -> tuple[NightPerformance, ...]:
        measured, runs = table_of(PerformanceRow), table_of(RunRow)
        fields = [(runs if name in {"model", "score_date"} else measured).c[name] for name in NightPerformance.model_fields]
        of_model = select(*fields).join(runs, runs.c.id == measured.c.run_id).where(runs.c.model == model)
        newest = of_model.distinct(measured.c.run_id).order_by(measured.c.run_id, measured.c.measured_at.desc(), measured.c.id.desc())
        with translated(), self.engine.connect() as connection:
            return tuple(NightPerformance.model_validate(row) for row in connection.execute(newest).mappings())

    def scored(self, model: str, score_date: date) -> pl.DataFrame:
        schema = {"entity_key": pl.String(), "score": pl.Float64(), "outcome": pl.Int8()}
        with translated(), self.engine.connect() as connection:
            return read_frame(connection, SCORED, {"model": model, "day": score_date}, schema).sort("entity_key")
