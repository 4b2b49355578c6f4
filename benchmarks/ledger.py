"""What a night with very many parts costs the ledger itself: claim, receipts, publication, retention.

    python benchmarks/ledger.py --parts 1000 10000 100000 --lanes 2 --json

Every part has few rows, so what is timed is the ledger's own work on a real Postgres, by the stores that a
night uses. Two nights are written: one is published, the other is never published and then pruned.
"""

import argparse
import json
import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import polars as pl
import psycopg
from kernel import Meter, postmaster_of
from seeded_history import History, seeded
from sqlalchemy import Engine

from db.server.embedded import EmbeddedPostgres
from db.session import make_engine
from db.stores.holdings import PostgresHoldings
from db.stores.nights import PostgresNights
from db.stores.registry import PostgresRegistry
from nightjar.core.night.entities import Night, Population, Run
from nightjar.core.night.part_rows import QUARANTINED, SCORES
from nightjar.core.night.population import missing_parts, nth_part
from nightjar.usecases.scoring.snapshot import parts_of

SEEDED = date(2013, 1, 1)
NO_ROWS = pl.DataFrame(schema=dict(QUARANTINED))
WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
DISK = "SELECT pg_total_relation_size('nightjar.score_2013_02')"


def scores_of(first: int, rows: int) -> pl.DataFrame:
    keys = pl.int_range(first, first + rows, eager=True).cast(pl.String).str.zfill(12)
    empty = {name: pl.lit(None, dtype) for name, dtype in SCORES.items()}
    return keys.to_frame("entity_key").select(
        **empty | {"entity_key": pl.col("entity_key"), "score": pl.lit(0.5)}
    )


def written(store: PostgresNights, run: Run, numbers: Iterable[int], lanes: int) -> None:
    population = run.population
    assert population is not None

    def write(number: int) -> None:
        part = nth_part(population.rows, population.parts, number)
        store.write_part(run, part, scores_of(part.start, part.rows), NO_ROWS)

    with ThreadPoolExecutor(lanes) as pool:
        for _ in pool.map(write, numbers):
            pass


def asked(server: EmbeddedPostgres, query: LiteralString) -> float:
    """A number of bytes."""
    with psycopg.connect(server.url("admin")) as admin:
        return float((admin.execute(query).fetchone() or (0,))[0])


def measured(server: EmbeddedPostgres, parts: int, rows: int, lanes: int) -> dict[str, Any]:
    engine = make_engine(server.url("writer"), pool_size=lanes + 2)
    owner = make_engine(server.url("owner"), pool_size=1)
    try:
        return _measured(
            server,
            engine,
            owner,
            Population(uri="file:///p", sha256="b" * 64, rows=parts * rows, parts=parts),
            lanes,
        )
    finally:
        engine.dispose()
        owner.dispose()


def _measured(
    server: EmbeddedPostgres, engine: Engine, owner: Engine, population: Population, lanes: int
) -> dict[str, Any]:
    store, meter = PostgresNights(engine), Meter(postmaster_of(engine))
    champion = PostgresRegistry(engine).holder("m", "champion")
    assert champion is not None
    nights = [
        Night(model="m", score_date=day, as_of=datetime(2013, 2, day.day, tzinfo=UTC))
        for day in (date(2013, 2, 1), date(2013, 2, 2))
    ]
    before = asked(server, WAL)
    with meter.stage("claim"), store.night(nights[0], champion, None) as claimed:
        run = store.record_population(claimed.run, population)
    with meter.stage("receipts, half"):
        written(store, run, range(population.parts // 2), lanes)
    with meter.stage("what is missing"):
        todo = missing_parts(parts_of(run), store.receipts(run))
    with meter.stage("receipts, rest"):
        written(store, run, [part.number for part in todo], lanes)
    wal_mb = (asked(server, WAL) - before) / 1e6
    disk_mb = asked(server, DISK) / 1e6
    with meter.stage("scores described"):
        store.distribution(run)
    with meter.stage("receipts read"):
        assert len(store.receipts(run)) == population.parts
    with meter.stage("publication"):
        store.publish(run)
    with store.night(nights[1], champion, None) as claimed:
        lost = store.record_population(claimed.run, population)
        written(store, lost, range(population.parts), lanes)
    holdings = PostgresHoldings(owner)
    (trace,) = [each for each in holdings.runs() if each.id == lost.id]
    with meter.stage("pruning of an unpublished run"):
        holdings.forget(trace)
    costs = {
        name: {"seconds": cost.seconds, "cpu": cost.cpu, "postgres_cpu": cost.postgres_cpu}
        for name, cost in meter.costs.items()
    }
    return {"wal_mb": wal_mb, "disk_mb": disk_mb, "steps": costs}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--rows", type=int, default=1, help="rows of a part")
    parser.add_argument("--lanes", type=int, default=2, help="parts that are written at once")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    found = {}
    for parts in options.parts:
        with seeded(History(("m",), SEEDED, SEEDED + timedelta(days=1), 1)) as server:
            found[parts] = measured(server, parts, options.rows, options.lanes)
    if options.json:
        print(json.dumps({"rows": options.rows, "lanes": options.lanes, "parts": found}))
        return
    show(found)


def cpu(step: dict[str, float]) -> float:
    return step["cpu"] + step["postgres_cpu"]


def show(found: dict[int, Any]) -> None:
    """Print a line a step: seconds and CPU seconds of each number of parts, and the power of their growth."""
    few, many = min(found), max(found)
    print(f"{'parts':32}" + "".join(f"{parts:20,}" for parts in found) + f"{'exponent':>10}")
    for name in found[few]["steps"]:
        steps = {parts: each["steps"][name] for parts, each in found.items()}
        shown = (f"{step['seconds']:9.2f} s {cpu(step):5.2f} CPU" for step in steps.values())
        first, last = (max(cpu(steps[parts]), 0.01) for parts in (few, many))
        exponent = math.log(last / first) / math.log(many / few) if many > few else math.nan
        print(f"{name:32}" + "".join(f"{each:>20}" for each in shown) + f"{exponent:10.2f}")
    for name, key in (("WAL", "wal_mb"), ("scores with their index", "disk_mb")):
        print(f"{name:32}" + "".join(f"{each[key]:17.1f} MB" for each in found.values()))


if __name__ == "__main__":
    main()
