"""A large night beside what others do for the same rows, with the same model file, into the same Postgres.

    uv run python benchmarks/peers/compare.py --rows 1000000 --rounds 3
    uv run python benchmarks/peers/compare.py --rows 100000 --peers tutorial polars-on-dask --json

Each peer has an environment of its own, which uv makes at the first run. Spark needs Java 17. Nights and
peers take turns, and all scores are equal. The clock stops at the commit; imports, a session of Spark and the
start of Dask's processes are not counted. A peer gets the ready population and does no contract, audit,
receipt or publication. CPU seconds are those of all its processes, without Postgres.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psycopg

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from kernel import postgres_cpu  # it lies in the folder above
from large_night import DAY, land
from night import Bench, benches

from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.night.clock import night_of
from nightjar.showing import console

MANY = ("catboost==1.2.10", "pandas==2.3.3", "psycopg[binary]==3.3.9", "pyarrow==26.0.1")
DASK, FEAST, SQLALCHEMY = (
    "dask[dataframe,distributed]==2026.8.0",
    "feast[duckdb]==0.67.0",
    "sqlalchemy==2.0.58",
)
TARGET = """
    DROP SCHEMA IF EXISTS bench CASCADE;
    CREATE SCHEMA bench;
    CREATE TABLE bench.score (LIKE nightjar.score INCLUDING ALL) PARTITION BY RANGE (score_date);
    CREATE TABLE bench.month PARTITION OF bench.score FOR VALUES FROM ('2013-10-01') TO ('2013-11-01');
"""
OURS, OURS_IN_TURN = "a night of Nightjar", "the same, one part at a time"


@dataclass(frozen=True, slots=True)
class Peer:
    script: str
    needs: tuple[str, ...]


PEERS = {
    "polars-on-dask": Peer("polars_on_dask.py", (*MANY, "polars==2.1.0", DASK)),
    "pandas-on-dask": Peer("pandas_on_dask.py", (*MANY, DASK)),
    "spark": Peer("spark.py", (*MANY, "pyspark==4.3.0")),
    "feast-duckdb": Peer("feast_duckdb.py", (*MANY, FEAST)),
    "tutorial": Peer("tutorial.py", (*MANY, FEAST, SQLALCHEMY)),
    "pandas-to-sql": Peer("pandas_to_sql.py", (*MANY, SQLALCHEMY)),
}


@dataclass(frozen=True, slots=True)
class Took:
    seconds: float
    cpu: float
    postgres_cpu: float


def prepared(bench: Bench, rows: int, folder: Path) -> pl.DataFrame:
    """Write what peers start from, and return the scores that they must give."""
    land(bench.platform, rows)
    bench.whole(at_once=2)
    store = bench.platform.store
    shown = store.publication(bench.spec.name, DAY)
    assert shown is not None
    population = bench.platform.night_inputs(bench.spec).snapshot(store.run(shown.run_id))
    population.drop("fault").write_parquet(folder / "population.parquet")
    for table in bench.spec.feature_tables:
        files = [file for _, file in reversed(FeatureDirectory(bench.platform.settings.data).files(table))]
        pl.read_parquet(files, hive_partitioning=False).write_parquet(folder / f"{table.name}.parquet")
    champion = bench.champion
    shutil.copy(
        bench.platform.artifacts.get(champion.artifact_uri, champion.artifact_sha256), folder / "model.cbm"
    )
    (folder / "inputs.json").write_text(json.dumps(_told(bench)))
    with psycopg.connect(_url(bench), autocommit=True) as admin:
        admin.execute(TARGET)
    return bench.scores()


def _url(bench: Bench) -> str:
    return bench.platform.local.url("admin", "nightjar")


def _told(bench: Bench) -> dict[str, object]:
    spec = bench.spec
    tables = [
        {
            "name": table.name,
            "keys": list(table.keys),
            "features": list(table.features),
            "ttl_s": table.ttl.total_seconds(),
        }
        for table in spec.feature_tables
    ]
    return {
        "url": _url(bench),
        "day": str(DAY),
        "as_of": night_of(spec, DAY).as_of.isoformat(),
        "categorical": spec.categorical,
        "numeric": spec.numeric,
        "tables": tables,
    }


def by_peer(name: str, bench: Bench, folder: Path, wanted: pl.DataFrame) -> dict[str, Took]:
    """What a peer took, by name; its first round is `cold`, if it does two."""
    peer, before = PEERS[name], postgres_cpu(bench.postmaster)
    needs = [part for need in peer.needs for part in ("--with", need)]
    command = ["uv", "run", "--quiet", "--no-project", *needs, "python", str(HERE / peer.script), str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, start_new_session=True, check=False, cwd=HERE
    )
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-3000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    require_equal(name, bench, wanted)
    rounds = len(told["seconds"])
    theirs = (postgres_cpu(bench.postmaster) - before) / rounds
    last = {name: Took(told["seconds"][-1], told["cpu"][-1], theirs)}
    return (
        last if rounds == 1 else {**last, f"{name}, cold": Took(told["seconds"][0], told["cpu"][0], theirs)}
    )


def require_equal(name: str, bench: Bench, wanted: pl.DataFrame) -> None:
    with psycopg.connect(_url(bench)) as admin:
        rows = admin.execute("SELECT entity_key, score FROM bench.score").fetchall()
    found = pl.DataFrame(rows, schema=wanted.schema, orient="row")
    if not found.sort("entity_key").equals(wanted.sort("entity_key")):
        raise SystemExit(f"{name} stored other scores: {found.height} rows of {wanted.height}")


def ours(bench: Bench) -> dict[str, Took]:
    nights = {OURS: bench.whole(at_once=2), OURS_IN_TURN: bench.whole()}
    return {name: Took(cost.seconds, cost.cpu, cost.postgres_cpu) for name, cost in nights.items()}


def compared(bench: Bench, rows: int, rounds: int, peers: list[str], folder: Path) -> dict[str, Took]:
    """Medians."""
    wanted, found = prepared(bench, rows, folder), list[dict[str, Took]]()
    for _ in range(rounds):
        found.append(ours(bench))
        for name in peers:
            found[-1] |= by_peer(name, bench, folder, wanted)
    return {name: _median([each[name] for each in found]) for name in found[0]}


def _median(rounds: list[Took]) -> Took:
    return Took(
        *(
            statistics.median([getattr(each, name) for each in rounds])
            for name in ("seconds", "cpu", "postgres_cpu")
        )
    )


def report(rows: int, found: dict[str, Took]) -> None:
    columns = ("", "s", "CPU s", "Postgres CPU s", "times ours", "times our CPU")
    base = found[OURS]
    told = [
        (
            name,
            *(f"{each:.2f}" for each in (took.seconds, took.cpu, took.postgres_cpu)),
            f"{took.seconds / base.seconds:.1f}",
            f"{(took.cpu + took.postgres_cpu) / (base.cpu + base.postgres_cpu):.1f}",
        )
        for name, took in found.items()
    ]
    console.out.print(console.table(f"{rows:,} rows, the same scores", columns, told))


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--part-rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=[*PEERS])
    parser.add_argument("--home", type=Path, help="a folder that is kept: the next run needs no training")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    with benches(options.part_rows, options.home) as (bench, folder):
        found = compared(bench, options.rows, options.rounds, options.peers, folder)
    if options.json:
        print(json.dumps({name: [took.seconds, took.cpu, took.postgres_cpu] for name, took in found.items()}))
    else:
        report(options.rows, found)


if __name__ == "__main__":
    main()
