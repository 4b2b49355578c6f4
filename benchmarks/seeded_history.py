"""A long history of nights in a Postgres server that a benchmark has to itself, written by SQL.

Every seventh night has a failed run, every seventh a replaced revision. Tables look as the platform's own
nights leave them: scores, receipts, rows set aside, publications, outcomes, drift and measurements.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg

from db.migrate import upgrade
from db.server.embedded import EmbeddedPostgres
from db.server.roles import ensure_roles

DRIFT_COLUMNS, SLICES, COUNTED = 35, 22, 300
"""Columns that are compared, slices that are measured, and numbers of a day of outcomes: about as many as the
model of flights has.
"""
SEED = """
    SET session_replication_role = replica;
    SELECT nightjar.ensure_score_partition(day::date)
        FROM generate_series(date_trunc('month', date '{first}'), date '{last}', interval '1 month') AS day;
    INSERT INTO nightjar.dataset (model, sha256, uri, rows, first_date, last_date, known_at)
        SELECT name, repeat('a', 64), 'file:///d', 1, date '{first}' - 366, date '{first}' - 31, '{first}Z'
        FROM unnest(string_to_array('{models}', ',')) AS name;
    INSERT INTO nightjar.model_version (model, number, kind, score_low, score_high, algorithm, dataset_id,
        artifact_uri, artifact_sha256, reference_uri, params, metrics, gates, code_version, trained_through)
        SELECT model, n, 'binary', 0, 1, 'a', id, 'file:///m', repeat(n::text, 64), 'file:///r', '{}', '[]',
            '[]', 'c', date '{first}' - 31 FROM nightjar.dataset, generate_series(1, 5) AS n;
    INSERT INTO nightjar.promotion (model, version_id, role, reason)
        SELECT model, id, 'champion', 'seeded' FROM nightjar.model_version ORDER BY model, number;
    INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id, state, population_uri,
        population_sha256, population_rows, population_parts)
        SELECT version.model, day::date, revision, day - interval '6 hours', day - interval '6 hours',
            version.id,
            CASE WHEN revision = 2 AND extract(doy FROM day)::integer % 7 = 0 THEN 'failed'
                ELSE 'published' END,
            'file:///p', repeat('b', 64), {rows} + 5, 1
        FROM generate_series(date '{first}', date '{last}', interval '1 day') AS day
        CROSS JOIN generate_series(1, 2) AS revision
        JOIN nightjar.model_version AS version ON version.number = 1 + extract(month FROM day)::integer / 3
        WHERE revision = 1 OR extract(doy FROM day)::integer % 7 IN (0, 1)
        ORDER BY day, version.model, revision;
    INSERT INTO nightjar.receipt (run_id, part, rows, scored, quarantined, attempt)
        SELECT id, 0, {rows} + 5, {rows}, 5, 1 FROM nightjar.run;
    INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score)
        SELECT score_date, id, 'C' || lpad(k::text, 9, '0'), 0, random()
        FROM nightjar.run, generate_series(1, {rows}) AS k ORDER BY id, k;
    INSERT INTO nightjar.quarantined_row
        SELECT id, 0, k, 'Q' || k, '[]', '{}' FROM nightjar.run, generate_series(0, 4) AS k;
    INSERT INTO nightjar.publication (model, score_date, run_id, action)
        SELECT model, score_date, id, 'publish' FROM nightjar.run WHERE state = 'published' ORDER BY id;
    INSERT INTO nightjar.outcome (model, score_date, entity_key, recorded_at, outcome)
        SELECT model, score_date, 'C' || lpad(k::text, 9, '0'), score_date + interval '30 hours',
            (random() > 0.7)::integer
        FROM nightjar.run, generate_series(1, {rows}) AS k WHERE revision = 1;
    INSERT INTO nightjar.drift (run_id, method, column_name, value, threshold, drifted, null_share,
        reference_null_share)
        SELECT id, 'nights', 'column ' || k, random(), 0.9, random() > 0.9, 0, 0
        FROM nightjar.run, generate_series(1, {drift_columns}) AS k WHERE state = 'published' ORDER BY id, k;
    INSERT INTO nightjar.measurement (run_id, role, slice, slice_value, occasions, measured_at, nights,
        supported, rows, with_outcome, metrics, intervals)
        SELECT id, 'champion', slice.name, slice.value, occasions, score_date + interval '2 days', occasions,
            true, {rows} * occasions, {rows} * occasions, '{"auc": 0.7, "brier": 0.1, "ece": 0.05}',
            '{"auc": [0.65, 0.75]}'
        FROM nightjar.run, unnest(ARRAY[1, 7, 28]) AS occasions, (
            SELECT '' AS name, '' AS value
            UNION ALL SELECT 'slice', n::text FROM generate_series(1, {slices}) AS n
        ) AS slice
        WHERE state = 'published' ORDER BY id;
    INSERT INTO nightjar.outcome_check (model, dataset, day, recorded_at, verdict, looks)
        SELECT model, model || ' outcomes', score_date, score_date + interval '30 hours', 'passed',
            jsonb_build_object('rows', {rows}, 'sizes', '{}'::jsonb, 'values', '{}'::jsonb, 'rates', (
                SELECT jsonb_object_agg('share of column ' || n, jsonb_build_array(id, n))
                FROM generate_series(1, {counted}) AS n
            ))
        FROM nightjar.run WHERE revision = 1 ORDER BY id;
    VACUUM (ANALYZE)
"""


@dataclass(frozen=True, slots=True)
class History:
    """models: their names. rows: scores of a night."""

    models: tuple[str, ...]
    first: date
    last: date
    rows: int

    @property
    def nights(self) -> int:
        """Of all models."""
        return len(self.models) * ((self.last - self.first).days + 1)

    def statements(self) -> Iterator[str]:
        """The SQL that seeds it, a statement at a time."""
        values = {
            "models": ",".join(self.models),
            "first": self.first,
            "last": self.last,
            "rows": self.rows,
            "drift_columns": DRIFT_COLUMNS,
            "slices": SLICES,
            "counted": COUNTED,
        }
        script = SEED
        for name, value in values.items():
            script = script.replace(f"{{{name}}}", str(value))
        yield from script.split(";")


@contextmanager
def seeded(history: History) -> Iterator[EmbeddedPostgres]:
    """Yield a migrated server that holds the history, in a folder that goes away with it."""
    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as home:
        Path(home).chmod(0o755)  # root runs Postgres as another account
        server = EmbeddedPostgres(Path(home))
        server.start()
        try:
            server.ensure_database("nightjar")
            ensure_roles(server.url("admin"), server.passwords)
            upgrade(server.url("owner"))
            with psycopg.connect(server.url("admin"), autocommit=True) as admin:
                for statement in history.statements():
                    admin.execute(statement)
            yield server
        finally:
            server.stop()
            server.remove()
