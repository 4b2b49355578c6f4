"""What the barrier and the fences of the analysts' views cost: their commonest queries beside the same views
without either, in turns.

    python benchmarks/analyst_queries.py --rows 1000 --rounds 15 --json

A year of nights, every seventh with a failed run and every seventh with a replaced revision, is stored once.
Each round asks every query of both kinds of views, one after the other; what counts is the median of the
rounds' ratios. Statements are not prepared, as from psql.
"""

import argparse
import json
import statistics
import time
from datetime import date

import psycopg
from seeded_history import History, seeded

from db.server.embedded import EmbeddedPostgres
from db.views import ALONE, ANALYTICS, APART, BARRIER, FIRST, IN_ORDER, VIEWS

BARE = "bare"
"""The schema of the same views without barrier and fences."""

YEAR = (date(2013, 1, 1), date(2013, 12, 31))
NIGHT = "model = 'm' AND score_date = '2013-10-15'"
OCTOBER = "model = 'm' AND score_date BETWEEN '2013-10-01' AND '2013-10-31'"
QUERIES = {
    "the scores of a night": f"SELECT entity_key, score FROM scores WHERE {NIGHT}",
    "the newest night": "SELECT * FROM scores WHERE score_date = (SELECT max(score_date) FROM publications "
    "WHERE model = 'm')",
    "its fifty highest scores": f"SELECT entity_key, score FROM scores "
    f"WHERE {NIGHT} ORDER BY score DESC LIMIT 50",
    "one entity on a night": f"SELECT * FROM scores WHERE {NIGHT} AND entity_key = 'C000000123'",
    "three entities on a night": f"SELECT * FROM scores "
    f"WHERE {NIGHT} AND entity_key IN ('C000000003', 'C000000123', 'C000000456')",
    "one entity over the year": "SELECT score_date, score FROM scores "
    "WHERE model = 'm' AND entity_key = 'C000000123' ORDER BY 1",
    "mean scores of a month": f"SELECT score_date, count(*), avg(score) FROM scores "
    f"WHERE {OCTOBER} GROUP BY 1 ORDER BY 1",
    "mean scores of the year": "SELECT score_date, count(*), avg(score) FROM scores "
    "WHERE model = 'm' GROUP BY 1 ORDER BY 1",
    "a night beside its outcomes": f"SELECT entity_key, score, outcome FROM scores_with_outcomes "
    f"WHERE {NIGHT}",
    "calibration of a month": "SELECT width_bucket(score, 0, 1, 10), count(*), avg(score), avg(outcome) "
    "FROM scores_with_outcomes "
    f"WHERE {OCTOBER} AND outcome IS NOT NULL GROUP BY 1 ORDER BY 1",
    "what stood there at an instant": f"SELECT entity_key, score FROM scores_history "
    f"WHERE {NIGHT} AND visible_from <= now() "
    "AND (visible_until IS NULL OR now() < visible_until)",
    "performance of the last thirty nights": "SELECT * FROM nightly_performance "
    "WHERE model = 'm' ORDER BY score_date DESC LIMIT 30",
    "drifted columns of the year": (
        "SELECT score_date, column_name, value FROM drift WHERE model = 'm' AND drifted ORDER BY 1"
    ),
}


def bare(definition: str) -> str:
    """A view as it would be if nothing were to be hidden."""
    for words in (BARRIER, APART, ALONE, IN_ORDER, FIRST.format("score"), FIRST.format("receipt")):
        definition = definition.replace(words, "")
    return definition


def add_bare_views(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url("admin"), autocommit=True) as admin:
        admin.execute(
            f"CREATE SCHEMA {BARE} AUTHORIZATION nightjar_owner; GRANT USAGE ON SCHEMA {BARE} TO "
            "nightjar_analyst"
        )
        admin.execute("SET ROLE nightjar_owner")
        for view in VIEWS:
            admin.execute(bare(view.definition(BARE)))
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {BARE} TO nightjar_analyst")


def seconds(analyst: psycopg.Connection, schema: str, query: str) -> float:
    analyst.execute(f"SET search_path = {schema}")
    started = time.perf_counter()
    analyst.execute(query).fetchall()
    return time.perf_counter() - started


def measure(url: str, rounds: int) -> dict[str, dict[str, float]]:
    """Of each query: median milliseconds behind the barrier and without it, and the median of the rounds'
    ratios.
    """
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in QUERIES}
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as analyst:
        analyst.execute("SET statement_timeout = 0")
        for number in range(rounds + 1):
            for name, query in QUERIES.items():
                order = (ANALYTICS, BARE) if number % 2 else (BARE, ANALYTICS)
                found = {schema: seconds(analyst, schema, query) for schema in order}
                if number:  # the first round fills the caches
                    took[name].append((found[ANALYTICS], found[BARE]))
    return {
        name: {
            "ms": round(1000 * statistics.median(ours for ours, _ in pairs), 2),
            "bare_ms": round(1000 * statistics.median(other for _, other in pairs), 2),
            "ratio": round(statistics.median(ours / other for ours, other in pairs), 2),
        }
        for name, pairs in took.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1000, help="scores of a night")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    with seeded(History(("m",), *YEAR, options.rows)) as server:
        add_bare_views(server)
        found = measure(server.url("analyst"), options.rounds)
    if options.json:
        print(json.dumps({"rows": options.rows, "rounds": options.rounds, "queries": found}))
        return
    for name, result in found.items():
        print(
            f"{name:38} {result['ms']:9.2f} ms {result['bare_ms']:9.2f} ms without {result['ratio']:6.2f} x"
        )


if __name__ == "__main__":
    main()
