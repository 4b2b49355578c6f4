"""Readings, sampled rows and findings of runs, in Postgres."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any, LiteralString

import polars as pl
from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import insert

from db.adding import add
from db.reading import numbers_of
from db.session import driver, translated
from db.stores.rows import hold
from db.tables import AuditedRowsRow, FindingRow, table_of
from db.values import read_values
from nightjar.core.inputs.findings import Finding
from nightjar.core.night.entities import Run

AUDITED_ROWS, FINDINGS = table_of(AuditedRowsRow), table_of(FindingRow)
RECORD = text("""
    INSERT INTO nightjar.reading (run_id, name, column_names, slices, numbers)
    SELECT :run_id, name, "column", slice, value
    FROM json_to_recordset(:lists) AS read (name text, "column" text[], slice text[], value float8[])
    ON CONFLICT DO NOTHING
""")
PUBLISHED = text("""
    SELECT score_date, odd FROM (
        SELECT DISTINCT ON (score_date) score_date, run_id, cardinality(findings) > 0 AS odd
        FROM nightjar.publication WHERE model = :model AND score_date < :before
        ORDER BY score_date DESC, id DESC
    ) AS current
    WHERE EXISTS (SELECT FROM nightjar.reading WHERE reading.run_id = current.run_id)
    ORDER BY score_date DESC LIMIT :most
""")
OF_NIGHTS = """
    SELECT
        current.score_date, reading.name, to_json(reading.column_names)::text,
        to_json(reading.slices)::text, array_send(reading.numbers)
    FROM (
        SELECT DISTINCT ON (score_date) score_date, run_id FROM nightjar.publication
        WHERE model = %s AND score_date = ANY(%s) ORDER BY score_date, id DESC
    ) AS current JOIN nightjar.reading ON reading.run_id = current.run_id
    ORDER BY current.score_date, reading.name
"""
SENT = {"night": pl.Date, "name": pl.String, "column": pl.String, "slice": pl.String, "value": pl.Binary}
FINDING = """name, sentence, column_name AS "column", slice, number, expected, allowed AS "limit", rate,
    runbook, holds"""
OF_ATTEMPT = text(f"""
    SELECT {FINDING} FROM nightjar.finding WHERE run_id = :run_id AND attempt = :attempt ORDER BY rank
""")  # noqa: S608  # words of this module
DOUBTS = text(f"""
    SELECT current.score_date, {FINDING} FROM (
        SELECT DISTINCT ON (score_date) score_date, run_id, findings FROM nightjar.publication
        WHERE model = :model ORDER BY score_date, id DESC
    ) AS current
    JOIN nightjar.run ON run.id = current.run_id
    JOIN nightjar.finding ON finding.run_id = run.id AND finding.attempt = run.attempt
    WHERE NOT finding.holds AND cardinality(current.findings) = 0 ORDER BY current.score_date, rank
""")  # noqa: S608  # words of this module
SAMPLES = """
    SELECT score_date, content FROM (
        SELECT DISTINCT ON (score_date) score_date, run_id FROM nightjar.publication
        WHERE model = %s AND score_date < %s ORDER BY score_date DESC, id DESC
    ) AS current JOIN nightjar.audited_rows USING (run_id)
    ORDER BY score_date DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class PostgresReadings:
    """The `Readings` port."""

    engine: Engine

    def record(self, run: Run, readings: pl.DataFrame, sample: pl.DataFrame) -> None:
        lists = readings.group_by("name", maintain_order=True).agg("column", "slice", "value")
        content = BytesIO()
        sample.write_parquet(content)
        kept = {"run_id": run.id, "rows": sample.height, "content": content.getvalue()}
        with translated(), self.engine.begin() as connection:
            hold(connection, run, share=True)
            # Polars writes JSON ten times as fast as Python binds lists.
            connection.execute(RECORD, {"run_id": run.id, "lists": lists.write_json()})
            connection.execute(insert(AUDITED_ROWS).on_conflict_do_nothing(), [kept])

    def record_findings(self, run: Run, findings: Sequence[Finding]) -> None:
        if not findings:
            return
        rows = [
            {
                "run_id": run.id,
                "attempt": run.attempt,
                "rank": rank,
                "column_name": finding.column,
                "allowed": finding.limit,
                **finding.model_dump(exclude={"column", "limit"}),
            }
            for rank, finding in enumerate(findings, start=1)
        ]
        with translated(), self.engine.begin() as connection:
            hold(connection, run, share=True)
            add(connection, FINDINGS, rows, known_stay=True)

    def findings(self, run: Run) -> Sequence[Finding]:
        asked = {"run_id": run.id, "attempt": run.attempt}
        with translated(), self.engine.connect() as connection:
            return read_values(connection, OF_ATTEMPT, asked, Finding)

    def doubts(self, model: str) -> Mapping[date, tuple[Finding, ...]]:
        found = dict[date, tuple[Finding, ...]]()
        with translated(), self.engine.connect() as connection:
            for row in connection.execute(DOUBTS, {"model": model}).mappings():
                told = {name: value for name, value in row.items() if name != "score_date"}
                found[row["score_date"]] = (
                    *found.get(row["score_date"], ()),
                    Finding.model_validate(told),
                )
        return found

    def published(self, model: str, before: date, most: int) -> Mapping[date, bool]:
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(PUBLISHED, {"model": model, "before": before, "most": most}).all()
        return {row.score_date: row.odd for row in rows}

    def of_nights(self, model: str, nights: Collection[date]) -> Mapping[date, pl.DataFrame]:
        rows = self._sent(OF_NIGHTS, model, list(nights))
        sent = pl.DataFrame(rows, schema=SENT, orient="row")
        # Polars reads JSON ten times as fast as Python makes lists of it.
        lists = sent.with_columns(pl.col("column", "slice").str.json_decode(pl.List(pl.String)))
        every = lists.drop("value").explode("column", "slice").with_columns(value=numbers_of(sent["value"]))
        read = every.partition_by("night", include_key=False, as_dict=True)
        return {night: readings for (night,), readings in read.items()}

    def samples(self, model: str, before: date, most: int) -> Mapping[date, pl.DataFrame]:
        rows = self._sent(SAMPLES, model, before, most)
        nights = [pl.scan_parquet(BytesIO(content), glob=False) for _, content in rows]
        return dict(zip([night for night, _ in rows], pl.collect_all(nights), strict=True))

    def _sent(self, query: LiteralString, *asked: object) -> list[tuple[Any, ...]]:
        """The rows in Postgres' binary form. A text of it has each byte as two characters."""
        with (
            translated(),
            self.engine.connect() as connection,
            driver(connection).cursor(binary=True) as cursor,
        ):
            return cursor.execute(query, asked).fetchall()
