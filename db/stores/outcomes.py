"""Outcomes, and the performance of published nights against them, in Postgres."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from psycopg import sql
from sqlalchemy import Connection, Engine, text

from db.adding import add
from db.copy import copy_frame
from db.locks import TAKE_FOR_TRANSACTION
from db.reading import array_of, read_frame
from db.session import translated
from db.tables import MeasurementRow, OutcomeRow, table_of
from db.values import read_values
from nightjar.core.keyed import with_columns_of
from nightjar.core.monitoring.entities import Measurement, NightComparison
from nightjar.core.night.part_rows import SCORES
from nightjar.core.values import INSTANT

OUTCOMES = table_of(OutcomeRow)
KEYS = {"score_date": pl.Date(), "entity_key": pl.String(), "recorded_at": INSTANT}
OUTCOME = {"entity_key": pl.String(), "recorded_at": INSTANT, "outcome": pl.Float64()}
MEASUREMENTS = table_of(MeasurementRow)
COLUMNS = {column.name for column in MEASUREMENTS.columns} - {"recorded_at"}
STORED = sql.SQL("""
    SELECT score_date, entity_key, recorded_at FROM nightjar.outcome
    WHERE model = %s AND score_date = ANY(%s)
""")
NEWEST = text("""
    SELECT DISTINCT ON (run_id, role, slice, slice_value, occasions)
        run_id, model, score_date, version_id, challenger_id, role, slice, slice_value, occasions, nights,
        supported, rows, with_outcome, metrics, intervals, measured_at, deliveries
    FROM nightjar.run JOIN nightjar.measurement ON measurement.run_id = run.id
    WHERE model = :model AND measured_at <= :known_at AND score_date >= :since
        AND (NOT :whole OR role = 'champion' AND slice = '' AND occasions = 1)
    ORDER BY run_id, role, slice, slice_value, occasions, measured_at DESC, recorded_at DESC
""")
COMPARISONS = text("""
    SELECT run.id AS run_id, run.model, run.score_date, run.version_id, run.challenger_id,
        run.challenger_share AS share, pair.basis, measured_at, beside.rows, beside.with_outcome,
        challenger.rows AS challenger_rows, challenger.with_outcome AS challenger_with_outcome,
        beside.metrics AS champion, challenger.metrics AS challenger
    FROM (
        SELECT DISTINCT ON (score_date) run_id FROM nightjar.publication WHERE model = :model
        ORDER BY score_date, id DESC
    ) AS shown
    JOIN nightjar.run ON run.id = shown.run_id
    CROSS JOIN (
        VALUES ('rows', 'challenger', 'champion beside challenger'),
            ('arms', 'challenger arm', 'champion arm')
    ) AS pair (basis, challenger, champion)
    JOIN LATERAL (
        SELECT *, max(measured_at) OVER (ORDER BY recorded_at) AS latest
        FROM nightjar.measurement
        WHERE run_id = run.id AND role = pair.challenger AND slice = '' AND occasions = 1
    ) AS challenger ON measured_at = latest
    JOIN nightjar.measurement AS beside USING (measured_at, recorded_at)
    WHERE beside.run_id = run.id AND beside.role = pair.champion AND beside.slice = ''
        AND beside.occasions = 1
    ORDER BY measured_at, recorded_at, run.score_date
""")
SHOWN = text("""
    SELECT run.id AS run_id, run.challenger_id IS NOT NULL AS challenger,
        cardinality(version.outputs) > 0 AS outputs
    FROM nightjar.publication JOIN nightjar.run ON run.id = publication.run_id
    JOIN nightjar.model_version AS version ON version.id = run.version_id
    WHERE publication.model = :model AND publication.score_date = :day
    ORDER BY publication.id DESC LIMIT 1
""")
SCORED = sql.SQL("SELECT {columns} FROM nightjar.score WHERE run_id = %(run_id)s AND score_date = %(day)s")
SHOWN_SCORES = {name: dtype for name, dtype in SCORES.items() if name != "carried_from"}
AS_JSON = sql.SQL("array_to_json({})")
OF_CHALLENGER = ("challenger_score", "challenger_outputs", "arm")
UNKNOWN = text("""
    SELECT day FROM unnest(CAST(:dates AS date[])) AS day
    WHERE NOT EXISTS (SELECT FROM nightjar.outcome WHERE model = :model AND score_date = day)
""")
KNOWN = sql.SQL("""
    SELECT entity_key, recorded_at, outcome FROM nightjar.outcome
    WHERE model = %(model)s AND score_date = %(day)s AND recorded_at <= %(known_at)s
""")
OF_ROWS = sql.SQL("""
    SELECT night.score_date, newest.entity_key, newest.outcome
    FROM unnest(%(days)s::date[], %(firsts)s::integer[], %(lasts)s::integer[])
        AS night (score_date, first, last)
    CROSS JOIN LATERAL (SELECT (%(keys)s::text[])[first:last] AS keys OFFSET 0) AS asked
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (entity_key) entity_key, outcome FROM nightjar.outcome
        WHERE model = %(model)s AND score_date = night.score_date AND entity_key = ANY(keys)
            AND recorded_at <= %(known_at)s
        ORDER BY entity_key DESC, recorded_at DESC
    ) AS newest
""")
"""All keys of a night are one search of an index, which takes half as long as one for each key.

OFFSET 0 keeps each search apart: Postgres would rather join nights that it knows little of. The newest
outcome of a key comes first where the index is read backwards, so nothing is sorted.
"""
OUTCOME_OF_ROW = {"score_date": pl.Date(), "entity_key": pl.String(), "outcome": pl.Float64()}


@dataclass(frozen=True, slots=True)
class PostgresOutcomes:
    """The `Outcomes` port."""

    engine: Engine

    def record(self, model: str, outcomes: pl.DataFrame) -> int:
        rows = _told_once(outcomes.select(*KEYS, "outcome", model=pl.lit(model)))
        with translated(), self.engine.begin() as connection:
            # Of two processes that record the same, the second one finds the rows of the first.
            connection.execute(TAKE_FOR_TRANSACTION, {"what": f"outcomes of {model}"})
            stored = read_frame(connection, STORED, [model, rows["score_date"].unique().to_list()], KEYS)
            again = {"on": [*KEYS], "how": "anti", "maintain_order": "left"}
            news = rows if stored.is_empty() else rows.join(stored, **again)
            copy_frame(connection, OUTCOMES, news)
            return news.height

    def unknown(self, model: str, dates: Collection[date]) -> frozenset[date]:
        with translated(), self.engine.connect() as connection:
            found = connection.execute(UNKNOWN, {"model": model, "dates": [*dates]})
            return frozenset(found.scalars())

    def add(self, measurements: Sequence[Measurement]) -> None:
        if not measurements:
            return
        rows = [each.model_dump(include=COLUMNS) for each in measurements]
        with translated(), self.engine.begin() as connection:
            # One statement, so that all have the same instant.
            add(connection, MEASUREMENTS, rows)

    def measured(
        self,
        model: str,
        known_at: datetime | None = None,
        *,
        since: date | None = None,
        whole: bool = False,
    ) -> tuple[Measurement, ...]:
        asked = {"known_at": known_at or "infinity", "since": since or "-infinity", "whole": whole}
        with translated(), self.engine.connect() as connection:
            return read_values(connection, NEWEST, {"model": model, **asked}, Measurement)

    def comparisons(self, model: str) -> tuple[NightComparison, ...]:
        with translated(), self.engine.connect() as connection:
            return read_values(connection, COMPARISONS, {"model": model}, NightComparison)

    def scored(
        self,
        model: str,
        score_date: date,
        known_at: datetime | None = None,
        outcomes: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        with translated(), self.engine.connect() as connection:
            scores = _scores(connection, model, score_date)
            if outcomes is None:
                asked = {"model": model, "day": score_date, "known_at": known_at or "infinity"}
                known = read_frame(connection, KNOWN, asked, OUTCOME)
            else:
                by_then = pl.lit(value=True) if known_at is None else pl.col("recorded_at") <= known_at
                known = _told_once(outcomes.filter(by_then)).select(*OUTCOME)
        # Polars joins a million rows in a fraction of the time that Postgres takes.
        newest = _newest(known).select("entity_key", pl.col("outcome").cast(pl.Float64))
        return with_columns_of(scores.sort("entity_key"), newest.sort("entity_key"), "entity_key")

    def of_rows(self, model: str, rows: pl.DataFrame, known_at: datetime) -> pl.DataFrame:
        asked = rows.sort("score_date").with_row_index("place", offset=1)
        place = pl.col("place")
        nights = asked.group_by("score_date").agg(first=place.min(), last=place.max())
        parameters = {
            "days": nights["score_date"].to_list(),
            "firsts": nights["first"].to_list(),
            "lasts": nights["last"].to_list(),
            "keys": array_of(asked["entity_key"]),
            "model": model,
            "known_at": known_at,
        }
        with translated(), self.engine.connect() as connection:
            return read_frame(connection, OF_ROWS, parameters, OUTCOME_OF_ROW)


def _scores(connection: Connection, model: str, score_date: date) -> pl.DataFrame:
    """The scores of a night. Of columns that its versions leave empty Postgres is not asked."""
    shown = connection.execute(SHOWN, {"model": model, "day": score_date}).one_or_none()
    if shown is None:
        return pl.DataFrame(schema=SHOWN_SCORES)
    filled = {"outputs": shown.outputs, **dict.fromkeys(OF_CHALLENGER, shown.challenger)}
    there = {name: dtype for name, dtype in SHOWN_SCORES.items() if filled.get(name, True)}
    asked = {"day": score_date, "run_id": shown.run_id}
    found = read_frame(connection, SCORED.format(columns=_columns(there)), asked, there)
    return found.select(
        pl.col(name) if name in there else pl.lit(None, dtype).alias(name)
        for name, dtype in SHOWN_SCORES.items()
    )


def _columns(names: Mapping[str, pl.DataType]) -> sql.Composed:
    """Columns of `score`, as `read_frame` reads them."""
    of_score = {name: sql.Identifier("score", name) for name in names}
    return sql.SQL(", ").join(
        AS_JSON.format(of_score[name]) if isinstance(dtype, pl.List) else of_score[name]
        for name, dtype in names.items()
    )


def _told_once(outcomes: pl.DataFrame) -> pl.DataFrame:
    """The rows in the order of their keys, which is that of the table. The first row of a key counts."""
    rows = outcomes.sort(*KEYS)
    again = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in KEYS)
    if not rows.select(again.any()).item():
        return rows
    # Finding the few nights that tell a row twice takes a fraction of what this takes.
    return outcomes.unique([*KEYS], keep="first").sort(*KEYS)


def _newest(known: pl.DataFrame) -> pl.DataFrame:
    """The row of each entity that was recorded last."""
    if known["recorded_at"].n_unique() < 2:
        return known
    return known.sort("recorded_at").unique("entity_key", keep="last")
