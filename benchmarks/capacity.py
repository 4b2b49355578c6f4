"""Predict what a night costs that is larger than those that were run, and how far such predictions are off.

    python benchmarks/night.py --rows 100000 1000000 10000000 --json > night.json
    python benchmarks/ledger.py --parts 1000 10000 --json > parts.json
    python benchmarks/ledger.py --parts 10 100 --rows 10000 --json > rows.json
    python benchmarks/capacity.py night.json parts.json rows.json --rows 100000000 1000000000

The model is linear: what the process of the night does for a row, what a worker does, what Postgres does, and
what the ledger adds for a part. Its numbers come from the two sizes before the largest that was run. The
largest is predicted and compared with what it took. Prices are a rough list price: give your own.
"""

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ALONE = ("population", "snapshot", "distribution", "rest")
"""Stages of the process that holds the night. All others are done by workers."""
READ_AGAIN = "snapshot read"
"""Done once by the workers, and once by the process of the night."""


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity that grows with the rows: at + per_row * rows."""

    at: float
    per_row: float

    @classmethod
    def through(cls, first: tuple[int, float], last: tuple[int, float]) -> "Line":
        per_row = (last[1] - first[1]) / (last[0] - first[0])
        return cls(max(first[1] - per_row * first[0], 0), per_row)

    def __call__(self, rows: int) -> float:
        return self.at + self.per_row * rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Seconds of CPU, megabytes. alone: of the process of the night. worker, postgres: of all of them.

    part, part_postgres: what the ledger adds for a part. memory: of the process of the night.
    """

    alone: Line
    worker: Line
    postgres: Line
    memory: Line
    part: float
    part_postgres: float
    wal_a_row: float
    disk_a_row: float

    def cpu(self, rows: int) -> float:
        """Of everything, with parts of the size that was measured."""
        return self.alone(rows) + self.worker(rows) + self.postgres(rows)


def spent(night: Mapping[str, Any]) -> tuple[float, float, float]:
    """CPU seconds of the process of the night, of workers and of Postgres."""
    stages = night["stages"]
    again = stages.get(READ_AGAIN, {"cpu": 0})["cpu"] / 2
    alone = again + sum(stages[name]["cpu"] for name in ALONE if name in stages)
    postgres = sum(stage["postgres_cpu"] for stage in stages.values())
    return alone, sum(stage["cpu"] for stage in stages.values()) - alone, postgres


def fitted(few: Mapping[str, Any], many: Mapping[str, Any], parts: Any, rows: Any) -> Model:
    """Of two nights, and of what the ledger took for many parts and for many rows."""
    lines = [
        Line.through((few["rows"], first), (many["rows"], last))
        for first, last in zip(spent(few), spent(many), strict=True)
    ]
    peaks = [(night["rows"], whole_of(night)["peak_mb"]) for night in (few, many)]
    part, part_postgres = (a_part(parts, key) for key in ("cpu", "postgres_cpu"))
    count = max(rows["parts"], key=int)
    stored, of = rows["parts"][count], int(count) * rows["rows"]
    return Model(
        alone=lines[0],
        worker=lines[1],
        postgres=lines[2],
        memory=Line.through(*peaks),
        part=part,
        part_postgres=part_postgres,
        wal_a_row=stored["wal_mb"] / of,
        disk_a_row=stored["disk_mb"] / of,
    )


def whole_of(night: Mapping[str, Any]) -> Mapping[str, float]:
    return night["whole"]["one part at a time"]


def a_part(found: Any, key: str) -> float:
    count = max(found["parts"], key=int)
    steps = found["parts"][count]["steps"]
    return sum(step[key] for name, step in steps.items() if name.startswith("receipts")) / int(count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """within_s: how long the night may take. cpu_hour, gb_month: prices."""

    within_s: float
    part_rows: int
    cpu_hour: float
    gb_month: float


def planned(model: Model, rows: int, wanted: Wanted) -> dict[str, float]:
    """What a night of so many rows needs to end in time."""
    parts = math.ceil(rows / wanted.part_rows)
    alone = model.alone(rows)
    left = max(wanted.within_s - alone, 1)
    worker = model.worker(rows) + parts * model.part
    postgres = model.postgres(rows) + parts * model.part_postgres
    storage = model.disk_a_row * rows / 1e3
    return {
        "parts": parts,
        "minutes of the night's own process": alone / 60,
        "GB of memory of that process": model.memory(rows) / 1e3,
        "CPU hours of workers": worker / 3600,
        "CPU hours of Postgres": postgres / 3600,
        "cores of workers": math.ceil(worker / left),
        "cores of Postgres, one lane each": math.ceil(postgres / left),
        "GB of WAL": model.wal_a_row * rows / 1e3,
        "GB of scores a night": storage,
        "TB of scores a year": storage * 365 / 1e3,
        "price of the CPU of a night": (alone + worker + postgres) / 3600 * wanted.cpu_hour,
        "price a month of a year of scores": storage * 365 * wanted.gb_month,
    }


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("night", type=Path, help="JSON of benchmarks/night.py, three sizes or more")
    parser.add_argument("parts", type=Path, help="JSON of benchmarks/ledger.py with parts of one row")
    parser.add_argument("stored", type=Path, help="JSON of benchmarks/ledger.py with parts of many rows")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000_000, 1_000_000_000])
    parser.add_argument("--part-rows", type=int, default=100_000)
    parser.add_argument("--within", type=float, default=60, help="minutes that a night may take")
    parser.add_argument("--cpu-hour", type=float, default=0.05, help="price of a core for an hour")
    parser.add_argument("--gb-month", type=float, default=0.1, help="price of a GB of disk for a month")
    options = parser.parse_args()
    nights, parts, stored = (
        json.loads(file.read_text()) for file in (options.night, options.parts, options.stored)
    )
    sizes = sorted(nights["nights"], key=lambda night: night["rows"])
    if len(sizes) < 3:
        raise SystemExit(
            f"{options.night} has {len(sizes)} sizes; run benchmarks/night.py with three or more"
        )
    *_, few, many, largest = sizes
    model = fitted(few, many, parts, stored)
    told, took = model.cpu(largest["rows"]), sum(spent(largest))
    print(
        f"{largest['rows']:,} rows, predicted from {few['rows']:,} and {many['rows']:,}: "
        f"{told:.1f} s of CPU; measured: {took:.1f} s; {told / took - 1:+.1%}"
    )
    peak = model.memory(largest["rows"]), whole_of(largest)["peak_mb"]
    print(f"its peak memory: {peak[0]:,.0f} MB predicted, {peak[1]:,.0f} MB measured\n")
    model = fitted(many, largest, parts, stored)
    wanted = Wanted(
        within_s=60 * options.within,
        part_rows=options.part_rows,
        cpu_hour=options.cpu_hour,
        gb_month=options.gb_month,
    )
    plans = {rows: planned(model, rows, wanted) for rows in options.rows}
    print(f"{'rows':40}" + "".join(f"{rows:>18,}" for rows in plans))
    for name in next(iter(plans.values())):
        print(f"{name:40}" + "".join(f"{plan[name]:>18,.1f}" for plan in plans.values()))


if __name__ == "__main__":
    main()
