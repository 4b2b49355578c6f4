"""How long the pages of the desk take, and each of their queries, on a year of nights of a million rows.

    python benchmarks/desk.py --rows 5000 --rounds 5

What the desk reads is stored as such nights leave it: receipts and stages of 40 parts, drift and profiles of
40 columns, measurements of 3 windows, 3 roles and 30 slices, findings, reports, incidents, and 1,000 rows
with reasons a night. Of the score rows themselves --rows a night are stored: the desk asks for single ones by
their keys.
The queries are those of `db/stores/desk.py`, with the rights of an analyst. Printed is the median of the
rounds, and for each query also the slowest round: wall time on this machine, with whatever else runs on it.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from db.migrate import upgrade
from db.server.embedded import EmbeddedPostgres
from db.server.roles import ensure_roles
from db.stores import desk as queries
from nightjar.core.desk.calendar import days
from nightjar.showing import desk as pages

SEED = """
    SET session_replication_role = replica;
    SELECT nightjar.ensure_score_partition(day::date)
        FROM generate_series('2013-01-01', '2013-12-01', interval '1 month') AS day;
    INSERT INTO nightjar.dataset (model, sha256, uri, rows, first_date, last_date, known_at)
        VALUES ('m', repeat('a', 64), 'file:///d', 1, '2012-01-01', '2012-12-01', '2013-01-01Z');
    INSERT INTO nightjar.model_version (model, number, kind, score_low, score_high, algorithm, dataset_id,
        artifact_uri, artifact_sha256, reference_uri, params, metrics, gates, code_version, trained_through)
        SELECT 'm', n, 'binary', 0, 1, 'a', 1, 'file:///m', lpad(n::text, 64, '0'), 'file:///r', '{}', '[]',
            '[]', 'c', '2012-12-01' FROM generate_series(1, 20) AS n;
    INSERT INTO nightjar.promotion (model, version_id, role, reason, promoted_at)
        SELECT 'm', id, 'champion', 'it passed', timestamptz '2013-01-01Z' + number * interval '18 days'
        FROM nightjar.model_version;
    INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id, challenger_id, state,
        population_uri, population_sha256, population_rows, population_parts, claimed_at, ended_at, error)
        SELECT 'm', night::date, revision, night - interval '6 hours', night - interval '6 hours',
            1 + extract(doy FROM night)::integer / 20, 1,
            CASE WHEN revision = 2 THEN 'failed' ELSE 'published' END, 'file:///p', repeat('b', 64), 1000000,
            40, night, night + interval '9 minutes', CASE WHEN revision = 2 THEN 'AuditFailed: half of it' END
        FROM generate_series('2013-01-01', '2013-12-31', interval '1 day') AS night,
            generate_series(1, 2) AS revision
        WHERE revision = 1 OR extract(doy FROM night)::integer % 7 = 0 ORDER BY 2, 3;
    INSERT INTO nightjar.publication (model, score_date, run_id, action, published_at)
        SELECT model, score_date, id, 'publish', ended_at FROM nightjar.run WHERE state = 'published';
    INSERT INTO nightjar.receipt (run_id, part, rows, scored, quarantined, attempt, broken)
        SELECT id, part, 25000, 24990, 10, 1,
            '[{"column": "distance", "check": "in_range", "rows": 6},
            {"column": "carrier", "check": "not_null", "rows": 3}, {"check": "unique", "rows": 1}]'
        FROM nightjar.run, generate_series(0, 39) AS part;
    INSERT INTO nightjar.stage (run_id, attempt, part, stage, role, started_at, seconds, cpu_seconds,
        peak_memory, rows, size, quarantined, retries)
        SELECT id, 1, part, stage, '', claimed_at, random() * 9, random() * 5, 300000000, 25000, 2000000,
            10, 0
        FROM nightjar.run, generate_series(0, 39) AS part,
            unnest(ARRAY['retrieval', 'contract', 'scoring', 'storing']) AS stage ORDER BY id, part;
    INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score)
        SELECT score_date, id, 'C' || lpad(k::text, 7, '0') || '-' || score_date, 0, random()
        FROM nightjar.run, generate_series(1, {rows}) AS k ORDER BY id, k;
    INSERT INTO nightjar.outcome (model, score_date, entity_key, recorded_at, outcome)
        SELECT model, score_date, 'C' || lpad(k::text, 7, '0') || '-' || score_date,
            score_date + interval '30 hours', (random() > 0.7)::integer
        FROM nightjar.run, generate_series(1, {rows}) AS k WHERE state = 'published';
    INSERT INTO nightjar.drift (run_id, method, column_name, value, threshold, drifted, null_share,
        reference_null_share, measured_at, note)
        SELECT id, method, 'column ' || k, random(), 0.9, random() > 0.97, 0, 0, claimed_at + again, 'a note'
        FROM nightjar.run, (VALUES ('nights'), ('psi')) AS by (method), generate_series(1, 40) AS k,
            (VALUES (interval '0'), (interval '1 day')) AS measured (again) ORDER BY id;
    INSERT INTO nightjar.input_profile (run_id, column_name, rows, nulls, "distinct", entities, mean,
        quantiles, categories)
        SELECT id, CASE k WHEN 0 THEN 'score' ELSE 'column ' || k END, 1000000, 0, 1000, 1000000, 0.5,
            ARRAY(SELECT n / 40.0 FROM generate_series(0, 40) AS n),
            (SELECT jsonb_object_agg('code ' || n, n) FROM generate_series(1, 60) AS n)
        FROM nightjar.run, generate_series(0, 40) AS k ORDER BY id;
    INSERT INTO nightjar.measurement (run_id, role, slice, slice_value, occasions, measured_at, nights,
        supported, rows, with_outcome, metrics, intervals)
        SELECT id, role, slice.name, slice.value, occasions, ended_at + again, 1, true, 1000000, 990000,
            (SELECT jsonb_object_agg(metric, random()) FROM unnest(ARRAY['auc', 'pr_auc', 'brier', 'ece',
                'base_rate', 'mean_score', 'log_loss', 'skill']) AS metric),
            '{"auc": [0.6, 0.8], "brier": [0.1, 0.2], "ece": [0.01, 0.02]}'
        FROM nightjar.run, unnest(ARRAY['champion', 'challenger', 'champion beside challenger']) AS role,
            (SELECT '' AS name, '' AS value UNION ALL
             SELECT 'carrier', 'code ' || n FROM generate_series(1, 30) AS n) AS slice,
            unnest(ARRAY[1, 7, 28]) AS occasions,
            (VALUES (interval '2 days'), (interval '9 days')) AS measured (again)
        WHERE state = 'published' AND (role = 'champion' OR slice.name = '') ORDER BY id;
    INSERT INTO nightjar.finding (run_id, attempt, rank, name, column_name, slice, sentence, runbook)
        SELECT id, 1, rank, 'volume', '', '', 'half of it', 'audit-failed'
        FROM nightjar.run, generate_series(1, 5) AS rank WHERE revision = 2 OR id % 10 = 0;
    INSERT INTO nightjar.report (run_id, kind, uri)
        SELECT id, kind, 'file:///' || kind || id FROM nightjar.run, unnest(ARRAY['drift', 'card']) AS kind
        WHERE state = 'published';
    INSERT INTO nightjar.explanation (run_id, rows) SELECT id, 1000 FROM nightjar.run;
    INSERT INTO nightjar.reason (run_id, entity_key, rank, input, value, contribution, words)
        SELECT id, 'C' || lpad(k::text, 7, '0') || '-' || score_date, rank, 'input ' || rank, '1', 0.1,
            'a short flight ' || rank
        FROM nightjar.run, generate_series(1, 1000) AS k, generate_series(1, 5) AS rank ORDER BY id, k;
    INSERT INTO nightjar.incident (model, kind, subject, severity, cause, because, sentence, runbook, step)
        SELECT 'm', 'late', n::text, 'critical', 'late', '', 'It is late.', 'late-night', 'began'
        FROM generate_series(1, 2000) AS n;
    INSERT INTO nightjar.incident
        (model, kind, subject, severity, cause, because, sentence, runbook, step, continues)
        SELECT model, kind, subject, severity, cause, because, 'This is over.', runbook, 'over', id
        FROM nightjar.incident WHERE id % 100 <> 0;
    VACUUM (ANALYZE)
"""
LAST = date(2013, 12, 31)
YEAR = {"model": "m", "first": LAST - queries.YEAR, "recent": LAST - queries.RECENT, "last": LAST}
NIGHT = dict.fromkeys(("first", "recent", "last", "score_date"), date(2013, 3, 15)) | {"model": "m"}
ENTITY = f"C0000123-{LAST}"
OF_YEAR = (
    "MODELS",
    "NIGHTS",
    "MEASURED",
    "DRIFT",
    "SET_ASIDE",
    "STAGES",
    "SCORED",
    "ROLES",
    "TROUBLES",
    "TESTED",
    "OPEN_TROUBLES",
    "REPORTS",
)
OF_NIGHT = ("MEASURED", "DRIFT", "FOUND", "SET_ASIDE", "STAGES", "EXPLAINED", "REPORTS")


def seeded(server: EmbeddedPostgres, rows: int) -> None:
    server.ensure_database("nightjar")
    ensure_roles(server.url("admin"), server.passwords)
    upgrade(server.url("owner"))
    with psycopg.connect(server.url("admin"), autocommit=True) as admin:
        for statement in SEED.replace("{rows}", str(rows)).split(";"):
            admin.execute(statement)


def asked(analyst: psycopg.Connection[Any]) -> dict[str, Callable[[], object]]:
    """Each query of the desk, and all that a page needs."""

    def query(name: str, parameters: Mapping[str, Any]) -> Callable[[], object]:
        return lambda: analyst.execute(getattr(queries, name), parameters).fetchall()

    return {
        **{f"{name.lower()} of the year": query(name, YEAR) for name in OF_YEAR},
        **{f"{name.lower()} of a night": query(name, NIGHT) for name in OF_NIGHT},
    }


def whole_pages(desk: queries.PostgresDesk) -> dict[str, Callable[[], object]]:
    def model() -> None:
        seen = desk.desk("m")
        pages.model_page(seen, tuple(days(seen.nights)), None, served=True)

    def night() -> None:
        seen = desk.nights("m")
        day = next(day for day in days(seen.nights) if day.score_date == NIGHT["first"])
        pages.night_page(seen, day, desk.night("m", NIGHT["first"]), None, served=True)

    return {
        "an entity over the year": lambda: desk.entity("m", ENTITY),
        "PAGE of the model": model,
        "PAGE of a night": night,
    }


def took(work: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=5000, help="Score rows of a night.")
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    home = Path(tempfile.mkdtemp(prefix="nightjar-benchmark-"))
    home.chmod(0o755)  # root runs Postgres as another account
    server = EmbeddedPostgres(home)
    try:
        server.start()
        print(f"seeded in {took(lambda: seeded(server, given.rows)) / 1000:.0f} s")
        with psycopg.connect(server.url("analyst"), autocommit=True) as analyst:
            work = asked(analyst) | whole_pages(queries.PostgresDesk(server.url("analyst")))
            for name, one in work.items():
                times = [took(one) for _ in range(given.rounds)]
                print(f"{name:28} {statistics.median(times):8.1f} ms, at most {max(times):8.1f} ms")
    finally:
        server.stop()
        server.remove()


if __name__ == "__main__":
    main()
