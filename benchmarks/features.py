"""What feature tables cost as their history grows, and the memory of a lookback that is streamed.

    python benchmarks/features.py --rows 20000 --history 30 120 365
    python benchmarks/features.py --rows 1000000 --history 28

A table has the visits of each shop in the last 28 days. For each history: a rebuild of all its days, then one
new day, in a process of its own, once with the frames in memory and once streamed. Both give the same rows.
rows: of a raw day.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from kernel import peak_mb

from models import MODELS
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.model.sources import Files
from nightjar.core.model.spec import FeatureTable, ModelSpec, RawDataset, Window
from nightjar.usecases.data.features import build_features

START = date(2013, 1, 1)
WEEKS = 28
SHOPS = 5_000
VISITS = RawDataset(
    name="visits",
    columns={"shop": pl.String(), "visitor": pl.Int64(), "spent": pl.Float64()},
    keys=("visitor",),
    source=Files(format="parquet"),
)


def recent(raw: Any, first: date, last: date) -> Any:
    """Visits of each shop in the last four weeks, of frames in memory or streamed."""
    days = raw["visits"].group_by("date", "shop").agg(pl.len().alias("count"), pl.col("recorded_at").max())
    return (
        days.sort("date")
        .with_columns(visits=pl.col("count").rolling_sum_by("date", f"{WEEKS}d").over("shop"))
        .filter(pl.col("date").is_between(first, last))
        .select(
            "shop",
            pl.col("visits").cast(pl.Int64),
            "date",
            pl.col("date").cast(pl.Datetime("us", "UTC")).alias("event_timestamp"),
            pl.col("recorded_at").alias("created"),
        )
    )


def spec_of(*, streamed: bool) -> ModelSpec:
    table = FeatureTable(
        name="shops",
        description="Visits of a shop.",
        keys={"shop": pl.String()},
        features={"visits": pl.Int64()},
        ttl=timedelta(days=7),
        lookback_days=WEEKS - 1,
        sources=("visits",),
        compute=recent,
        streamed=streamed,
    )
    return replace(
        MODELS["flight_delay"],
        datasets=(VISITS,),
        feature_tables=(table,),
        population_reads=(Window("visits"),),
        outcome_reads=(Window("visits"),),
        without_holidays=(),
    )


def land(raw: RawFiles, folder: Path, number: int, rows: int) -> None:
    random = np.random.default_rng(number)
    shops = pl.Series(random.integers(0, SHOPS, rows)).cast(pl.String)
    file = folder / "visits.parquet"
    pl.DataFrame(
        {"shop": shops, "visitor": np.arange(rows) + number * rows, "spent": random.random(rows)}
    ).write_parquet(file)
    day = START + timedelta(days=number)
    raw.land(VISITS, day, file, datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(days=1))


class Counted:
    """A raw store that counts the rows that it gives."""

    def __init__(self, raw: RawFiles) -> None:
        self.raw, self.rows = raw, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    def read(self, *asked: Any) -> pl.DataFrame:
        found = self.raw.read(*asked)
        self.rows += found.height
        return found

    def scan(self, *asked: Any) -> pl.LazyFrame:
        found = self.raw.scan(*asked)
        self.rows += found.select(pl.len()).collect().item()
        return found


def build(root: Path, features: Path, *, streamed: bool) -> dict[str, float]:
    raw: Any = Counted(RawFiles(root))
    started, cpu = time.perf_counter(), time.process_time()
    built = build_features(
        spec_of(streamed=streamed),
        raw=raw,
        features=FeatureDirectory(features),
        recipe_of=lambda _: "one",
    )
    return {
        "days": built.days,
        "rows_read": raw.rows,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "peak_mb": peak_mb([Path("/proc/self")]),
    }


def apart(root: Path, features: Path, *, streamed: bool) -> dict[str, float]:
    """Build in a process of its own, whose peak of memory is that of the build."""
    command = [
        sys.executable,
        __file__,
        "--build",
        str(root),
        str(features),
        *(["--streamed"] if streamed else []),
    ]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def kept(features: Path) -> pl.DataFrame:
    (table,) = spec_of(streamed=False).feature_tables
    files = [file for _, file in FeatureDirectory(features).files(table)]
    return pl.read_parquet(files, hive_partitioning=False).sort("event_timestamp", "shop")


def measure(history: int, rows: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as home:
        root = Path(home)
        for number in range(history):
            land(RawFiles(root), root, number, rows)
        found = {
            f"{what}{how}": {}
            for what in ("all days", "one new day")
            for how in (", in memory", ", streamed")
        }
        for streamed, how in ((False, ", in memory"), (True, ", streamed")):
            found[f"all days{how}"] = apart(root, root / how[2:], streamed=streamed)
        land(RawFiles(root), root, history, rows)
        for streamed, how in ((False, ", in memory"), (True, ", streamed")):
            found[f"one new day{how}"] = apart(root, root / how[2:], streamed=streamed)
        assert kept(root / "in memory").equals(kept(root / "streamed"))
    return found


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--rows", type=int, default=20_000, help="rows of a raw day")
    parser.add_argument("--history", type=int, nargs="+", default=[30, 120], help="days")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--build", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--streamed", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        print(json.dumps(build(*options.build, streamed=options.streamed)))
        return
    found = {history: measure(history, options.rows) for history in options.history}
    if options.json:
        print(json.dumps({"rows": options.rows, "history": found}))
        return
    print()
    print(
        f"{'history':>8} {'built':26} {'days':>5} {'rows read':>12} {'seconds':>9} {'CPU':>8} {'peak MB':>8}"
    )
    for history, each in found.items():
        for what, cost in each.items():
            counts = f"{cost['days']:5.0f} {cost['rows_read']:12,.0f} {cost['seconds']:9.2f}"
            print(f"{history:8} {what:26} {counts} {cost['cpu']:8.2f} {cost['peak_mb']:8.0f}")


if __name__ == "__main__":
    main()
