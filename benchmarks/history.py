"""What long histories cost: the analysts' commonest queries, and what every status page reads.

    python benchmarks/history.py --models 10 --years 3 --rows 100 --rounds 5 --json

The nights are seeded once. Each round asks everything once, in turns; what is shown is the median of the
rounds. Of a query: milliseconds of planning and of execution as EXPLAIN ANALYZE has them, and how many of the
score table's partitions it touched.
"""

import argparse
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import psycopg
from analyst_queries import QUERIES
from seeded_history import History, seeded

from db.session import make_engine
from db.stores.desk import PostgresDesk
from db.stores.drift import PostgresDriftLedger
from db.stores.nights import PostgresNights
from db.stores.outcome_checks import PostgresOutcomeChecks
from db.stores.outcomes import PostgresOutcomes
from db.stores.readings import PostgresReadings
from db.stores.registry import PostgresRegistry

LAST, DAY = date(2013, 12, 31), timedelta(days=1)
SCORES_OF = re.compile(r"^score_\d{4}_\d{2}$")
MORE_QUERIES = {
    "how many nights there are": "SELECT count(DISTINCT score_date) FROM publications WHERE model = 'm'",
    "how many nights have scores": "SELECT count(DISTINCT score_date) FROM scores WHERE model = 'm'",
}


def plan_nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every node of a plan of EXPLAIN."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from plan_nodes(below)


def explained(analyst: psycopg.Connection, query: str) -> dict[str, float]:
    (found,) = analyst.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}").fetchone() or ([],)
    nodes = [node for node in plan_nodes(found[0]["Plan"]) if SCORES_OF.match(node.get("Relation Name", ""))]
    return {
        "planning_ms": found[0]["Planning Time"],
        "execution_ms": found[0]["Execution Time"],
        "partitions": len({node["Relation Name"] for node in nodes if node["Actual Loops"]}),
    }


def asked(read: Callable[[], object]) -> dict[str, float]:
    started = time.perf_counter()
    read()
    return {"ms": 1000 * (time.perf_counter() - started)}


def medians(rounds: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        name: {key: round(statistics.median(each[name][key] for each in rounds), 2) for key in first}
        for name, first in rounds[0].items()
    }


def measure(analyst_url: str, writer_url: str, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    engine = make_engine(writer_url, pool_size=1)
    store, registry, desk = PostgresNights(engine), PostgresRegistry(engine), PostgresDesk(analyst_url)
    outcomes, checks = PostgresOutcomes(engine), PostgresOutcomeChecks(engine)
    drift, readings = PostgresDriftLedger(engine), PostgresReadings(engine)
    pages: dict[str, Callable[[], object]] = {
        "published nights of a model": lambda: store.published("m"),
        "its calendar": lambda: store.standings("m", date.min, date.max),
        "its latest runs": lambda: store.runs("m", 10),
        "its versions": lambda: registry.versions("m"),
        "the desk's list of models": desk.models,
        "the desk of a model": lambda: desk.desk("m"),
        "an entity on the desk": lambda: desk.entity("m", "C000000012"),
        "its nights' measurements": lambda: outcomes.measured("m", since=LAST - 100 * DAY, whole=True),
        "measurements of its windows": lambda: outcomes.measured("m", since=LAST - 28 * DAY),
        "its pairs of versions": lambda: outcomes.comparisons("m"),
        "its checked outcomes": lambda: checks.deliveries("m"),
        "its undecided outcomes": lambda: checks.undecided("m"),
        "which nights were compared": lambda: drift.compared([run.id for run in store.runs("m", 10)]),
        "its doubts": lambda: readings.doubts("m"),
    }
    with psycopg.connect(analyst_url, autocommit=True, prepare_threshold=None) as analyst:
        analyst.execute("SET search_path = analytics")
        analyst.execute("SET statement_timeout = 0")

        def queries() -> dict[str, dict[str, float]]:
            return {name: explained(analyst, query) for name, query in (QUERIES | MORE_QUERIES).items()}

        every = [(queries(), {name: asked(read) for name, read in pages.items()}) for _ in range(rounds + 1)]
    engine.dispose()
    warm = every[1:]  # the first round fills the caches
    return {"queries": medians([one for one, _ in warm]), "pages": medians([two for _, two in warm])}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--years", type=int, default=3)
    parser.add_argument("--rows", type=int, default=100, help="scores of a night")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args()
    names = ("m", *(f"m{number}" for number in range(2, options.models + 1)))
    history = History(names, date(LAST.year - options.years + 1, 1, 1), LAST, options.rows)
    with seeded(history) as server:
        found = measure(server.url("analyst"), server.url("writer"), options.rounds)
    if options.json:
        print(json.dumps({"rows": options.rows, "nights": history.nights} | found))
        return
    print(f"{history.nights:,} nights of {options.rows} rows, {12 * options.years} partitions\n")
    print(f"{'query':40} {'planning':>10} {'execution':>12} {'partitions':>11}")
    for name, row in found["queries"].items():
        print(
            f"{name:40} {row['planning_ms']:7.1f} ms {row['execution_ms']:9.1f} ms {row['partitions']:11.0f}"
        )
    print(f"\n{'page':40} {'in all':>10}")
    for name, row in found["pages"].items():
        print(f"{name:40} {row['ms']:7.1f} ms")


if __name__ == "__main__":
    main()
