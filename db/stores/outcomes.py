"""Outcomes, and the performance of published nights against them, in Postgres."""

from dataclasses import dataclass
from datetime import date

import polars as pl
from psycopg import sql
from sqlalchemy import Column, Engine, MetaData, Table, insert, text

from db.copy import copy_frame, read_frame
from db.session import translated
from db.tables import ComparisonRow, MeasurementRow, OutcomeRow, table_of
from nightjar.core.monitoring.entities import NightComparison, NightPerformance
from nightjar.core.night.part_rows import SCORES

LANDED = Table(
    "landed",
    MetaData(),
    *(Column(column.name, column.type, nullable=False) for column in table_of(OutcomeRow).columns),
)
STAGE = text("CREATE TEMPORARY TABLE landed (LIKE nightjar.outcome INCLUDING DEFAULTS) ON COMMIT DROP")
NEWS = text("INSERT INTO nightjar.outcome SELECT * FROM landed ON CONFLICT DO NOTHING")
NEWEST = text("""
    SELECT DISTINCT ON (run_id) run_id, model, score_date, rows, with_outcome, measured_at, metrics
    FROM nightjar.run JOIN LATERAL (
        SELECT run_id, rows, with_outcome, measured_at, recorded_at,
            jsonb_object_agg(metric, value) AS metrics
        FROM nightjar.measurement WHERE run_id = run.id
        GROUP BY run_id, rows, with_outcome, measured_at, recorded_at
    ) AS measured ON true
    WHERE model = :model ORDER BY run_id, measured_at DESC, recorded_at DESC
""")
COMPARISONS = text("""
    SELECT run.id AS run_id, run.model, run.score_date, run.version_id, run.challenger_id,
        measured_at, rows, with_outcome, jsonb_object_agg(metric, champion) AS champion,
        jsonb_object_agg(metric, challenger) AS challenger
    FROM (
        SELECT DISTINCT ON (score_date) run_id FROM nightjar.publication WHERE model = :model
        ORDER BY score_date, id DESC
    ) AS shown
    JOIN nightjar.run ON run.id = shown.run_id
    JOIN nightjar.comparison ON comparison.run_id = run.id
    GROUP BY run.id, measured_at, recorded_at, rows, with_outcome
    ORDER BY measured_at, recorded_at, run.score_date
""")
SCORED = sql.SQL("""
    SELECT score.entity_key, score.score, array_to_json(score.outputs) AS outputs, score.challenger_score,
        array_to_json(score.challenger_outputs) AS challenger_outputs, known.outcome
    FROM (
        SELECT run_id FROM nightjar.publication WHERE model = %(model)s AND score_date = %(day)s
        ORDER BY id DESC LIMIT 1
    ) AS published
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
        shared = performance.model_dump(exclude={"model", "score_date", "metrics"})
        rows = [{**shared, "metric": metric, "value": value} for metric, value in performance.metrics.items()]
        with translated(), self.engine.begin() as connection:
            connection.execute(insert(table_of(MeasurementRow)).values(rows))

    def performances(self, model: str) -> tuple[NightPerformance, ...]:
        with translated(), self.engine.connect() as connection:
            return tuple(
                NightPerformance.model_validate(row)
                for row in connection.execute(NEWEST, {"model": model}).mappings()
            )

    def record_comparison(self, comparison: NightComparison) -> None:
        shared = comparison.model_dump(include={"run_id", "rows", "with_outcome", "measured_at"})
        rows = [
            {**shared, "metric": metric, "champion": value, "challenger": comparison.challenger[metric]}
            for metric, value in comparison.champion.items()
        ]
        with translated(), self.engine.begin() as connection:
            connection.execute(insert(table_of(ComparisonRow)).values(rows))

    def comparisons(self, model: str) -> tuple[NightComparison, ...]:
        with translated(), self.engine.connect() as connection:
            found = connection.execute(COMPARISONS, {"model": model}).mappings()
            return tuple(map(NightComparison.model_validate, found))

    def scored(self, model: str, score_date: date) -> pl.DataFrame:
        schema = {name: dtype for name, dtype in SCORES.items() if name != "carried_from"}
        schema |= {"outcome": pl.Float64()}
        with translated(), self.engine.connect() as connection:
            return read_frame(connection, SCORED, {"model": model, "day": score_date}, schema).sort(
                "entity_key"
            )
