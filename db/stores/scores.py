"""Stored scores and quarantined rows in Postgres."""

from collections import Counter
from collections.abc import Iterator

import polars as pl
from psycopg import sql
from sqlalchemy import Connection, text

from db.reading import array_of, read_frame
from db.session import translated
from db.stores.rows import OnEngine
from nightjar.core.comparison.entities import Distribution
from nightjar.core.lifecycle.arms import as_served
from nightjar.core.monitoring.sketch import HIGHEST as HIGHEST_KEPT
from nightjar.core.monitoring.sketch import RANKED, Sketch, described, highest_of, sketch_of
from nightjar.core.night.entities import Part, Run
from nightjar.core.night.part_rows import QUARANTINED as QUARANTINED_COLUMNS
from nightjar.core.night.part_rows import SCORES as SCORE_COLUMNS

SERVED = """CASE WHEN score.arm = 'challenger' THEN score.challenger_score ELSE score.score END AS score,
    CASE WHEN score.arm = 'challenger' THEN score.challenger_outputs ELSE score.outputs END AS outputs,
    score.arm"""
"""What `as_served` of nightjar/core/lifecycle/arms.py gives."""
CLASSES = text("SELECT id, classes FROM nightjar.model_version WHERE id IN (:version_id, :challenger_id)")
MIX = text(f"""
    SELECT arm IS NOT DISTINCT FROM 'challenger' AS by_challenger, array_position(outputs, score) AS place,
        count(*) AS rows
    FROM (
        SELECT {SERVED} FROM nightjar.score WHERE run_id = :run_id AND score_date = :score_date
    ) AS served
    GROUP BY 1, 2
""")  # noqa: S608  # words of this module
STORED_SCORES = (
    "SELECT entity_key, score, array_to_json(outputs) AS outputs, challenger_score, "
    "array_to_json(challenger_outputs) AS challenger_outputs, arm, carried_from FROM nightjar.score "
    "WHERE score_date = %s AND run_id = %s "
)
PUBLISHED_SCORES = sql.SQL(STORED_SCORES + 'ORDER BY entity_key COLLATE "C"')
SCORES_OF_PART = sql.SQL(STORED_SCORES + "AND part = %s")
SCORES_FOR = sql.SQL(STORED_SCORES + "AND entity_key = ANY(%s::text[])")
SKETCHES = text("SELECT part, sketch FROM nightjar.receipt WHERE run_id = :run_id ORDER BY part")
HIGHEST = sql.SQL(f"""
    WITH served AS NOT MATERIALIZED (
        SELECT entity_key, {SERVED} FROM nightjar.score
        WHERE score_date = %(score_date)s AND run_id = %(run_id)s
    )
    (SELECT entity_key, score, arm FROM served ORDER BY score DESC, entity_key COLLATE "C" LIMIT %(count)s)
    UNION
    SELECT entity_key, score, arm FROM served WHERE score > %(above)s::double precision
""")  # noqa: S608  # words of this module
SET_ASIDE = "SELECT entity_key, reasons::text, row::text FROM nightjar.quarantined_row WHERE run_id = %s "
QUARANTINED_OF_RUN = sql.SQL(SET_ASIDE + "ORDER BY part, row_number")
QUARANTINED_OF_PART = sql.SQL(SET_ASIDE + "AND part = %s ORDER BY row_number")


class PostgresScores(OnEngine):
    """The `ScoreReader` port. Threads may share one."""

    __slots__ = ()

    def distribution(self, run: Run) -> Distribution:
        with translated(), self.engine.connect() as connection:
            told = described(run.score_date, [*_sketches(connection, run)])
            return told.model_copy(update={"classes": _mix(connection, run)})

    def published_scores(self, run: Run) -> pl.DataFrame:
        with translated(), self.engine.connect() as connection:
            return read_frame(connection, PUBLISHED_SCORES, [run.score_date, run.id], SCORE_COLUMNS)

    def highest(self, run: Run, count: int, above: float | None = None) -> pl.DataFrame:
        with translated(), self.engine.connect() as connection:
            if above is None and count <= HIGHEST_KEPT:
                return highest_of(_sketches(connection, run), count)
            asked = {"run_id": run.id, "score_date": run.score_date, "count": count, "above": above}
            return read_frame(connection, HIGHEST, asked, RANKED)

    def scores_for(self, run: Run, keys: pl.Series) -> pl.DataFrame:
        with translated(), self.engine.connect() as connection:
            wanted = [run.score_date, run.id, array_of(keys)]
            found = read_frame(connection, SCORES_FOR, wanted, SCORE_COLUMNS)
        return as_served(found).drop("carried_from")

    def stored_part(self, run: Run, part: Part) -> tuple[pl.DataFrame, pl.DataFrame]:
        of_part = [run.id, part.number]
        with translated(), self.engine.connect() as connection:
            return (
                read_frame(connection, SCORES_OF_PART, [run.score_date, *of_part], SCORE_COLUMNS),
                read_frame(connection, QUARANTINED_OF_PART, of_part, QUARANTINED_COLUMNS),
            )

    def quarantined(self, run: Run) -> pl.DataFrame:
        with translated(), self.engine.connect() as connection:
            return read_frame(connection, QUARANTINED_OF_RUN, [run.id], QUARANTINED_COLUMNS)


def _sketches(connection: Connection, run: Run) -> Iterator[Sketch]:
    """Of each part. Those stored before there were sketches are described from their rows."""
    for part, kept in connection.execute(SKETCHES, {"run_id": run.id}).all():
        of_part = [run.score_date, run.id, part]
        yield (
            sketch_of(read_frame(connection, SCORES_OF_PART, of_part, SCORE_COLUMNS))
            if kept is None
            else Sketch.model_validate_json(kept)
        )


def _mix(connection: Connection, run: Run) -> dict[str, int]:
    """Rows of a run by predicted class. Nothing is counted for versions without classes."""
    versions = {"version_id": run.version_id, "challenger_id": run.challenger_id}
    classes = {row.id: row.classes for row in connection.execute(CLASSES, versions)}
    if not any(classes.values()):
        return {}
    counted = Counter[str]()
    for row in connection.execute(MIX, {"run_id": run.id, "score_date": run.score_date}):
        version = run.challenger_id if row.by_challenger else run.version_id
        counted[classes[version][row.place - 1]] += row.rows
    return dict(sorted(counted.items()))
