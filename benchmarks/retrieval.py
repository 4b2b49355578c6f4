"""How fast point-in-time retrieval is, in seconds and peak memory: our offline store beside bare Polars,
Feast's own stores and DuckDB's ASOF join.

    python benchmarks/retrieval.py                                   # small python benchmarks/retrieval.py
    --rows 10000 100000 1000000 4000000 --views 4 16 --ttl 7 0 --memory-gb 12 --json

Each retrieval runs in a process of its own, killed above the memory limit; the fastest of the rounds counts.
Every answer is compared with bare Polars', row by row: ours must be equal, of the others the rows that differ
are counted.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from retrieval_engines import make, make_flights

PAGE = os.sysconf("SC_PAGE_SIZE")
RIVALS = ("duckdb-asof", "feast-duckdb", "feast-file")
EXACT = {"nightjar", "nightjar-sink", "scan-filter-group", "duckdb-asof"}


@dataclass(frozen=True)
class Cell:
    """One line of the result. failure: why there is no figure.

    differing: rows that are missing or unlike the reference's.
    """

    case: str
    rows: int
    views: int
    ttl_days: int
    engine: str
    seconds: float | None = None
    cpu_s: float | None = None
    peak_mb: float | None = None
    base_mb: float | None = None
    differing: int | None = None
    failure: str | None = None


def measure(folder: Path, engine: str, ttl_days: int, options: argparse.Namespace) -> dict[str, float] | str:
    """The best of the rounds, figure by figure, or what went wrong."""
    found = []
    for _ in range(options.rounds):
        answer = once(folder, engine, ttl_days, options)
        if isinstance(answer, str):
            return answer
        found.append(answer)
    return {name: round(min(answer[name] for answer in found), 3) for name in found[0]}


def once(folder: Path, engine: str, ttl_days: int, options: argparse.Namespace) -> dict[str, float] | str:
    here = Path(__file__).resolve().parent
    command = [sys.executable, str(here / "retrieval_engines.py"), engine, str(folder), str(ttl_days)]
    environment = os.environ | {"PYTHONPATH": str(here.parent)}
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment)
        if failure := limited(process, options.memory_gb, options.timeout):
            return failure
        out = process.stdout.read() if process.stdout else ""
        if process.returncode:
            *_, last = ["", *(folder / "said").read_text().strip().splitlines()]
            return f"failed with exit code {process.returncode}" + (
                f": {last[:120]}" if last else ", perhaps for want of memory"
            )
    return json.loads(out.splitlines()[-1])


def limited(process: subprocess.Popen[str], memory_gb: float, timeout_s: float) -> str | None:
    """Wait for a process; kill it above its limits, and say so."""
    started = time.monotonic()
    while process.poll() is None:
        if resident(process.pid) > memory_gb * 1e9:
            process.kill()
            process.wait()
            return f"killed at {memory_gb:g} GB"
        if time.monotonic() - started > timeout_s:
            process.kill()
            process.wait()
            return f"killed after {timeout_s:g} s"
        time.sleep(0.02)
    return None


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0


def differing(folder: Path, engine: str, reference: str) -> int | None:
    found, expected = folder / f"{engine}.parquet", folder / f"{reference}.parquet"
    if engine == "nightjar-sink":
        found = folder / "sunk.parquet"
    if not found.exists() or not expected.exists():
        return None
    right = pl.read_parquet(expected)
    rows = right.select("row").join(
        pl.read_parquet(found).select(right.columns), on="row", how="left", maintain_order="left"
    )
    unlike = [rows[name].ne_missing(right[name]) for name in right.columns]
    return int(pl.DataFrame(unlike).select(pl.any_horizontal(pl.all()).sum()).item())


def case(
    name: str, folder: Path, engines: list[str], ttl_days: int, options: argparse.Namespace
) -> Iterator[Cell]:
    """All engines on one folder of data. The first engine is the reference of the others."""
    rows = pl.scan_parquet(folder / "entities.parquet").select(pl.len()).collect().item()
    views = len(json.loads((folder / "views.json").read_text()))
    for stale in folder.glob("*.parquet"):
        if stale.stem in {*engines, "sunk"}:
            stale.unlink()
    for engine in engines:
        answer = measure(folder, engine, ttl_days, options)
        if isinstance(answer, str):
            yield Cell(name, rows, views, ttl_days, engine, failure=answer)
            continue
        unlike = differing(folder, engine, engines[0])
        assert engine not in EXACT or not unlike, (
            f"{engine} differs from {engines[0]} in {unlike} of {rows} rows"
        )
        yield Cell(name, rows, views, ttl_days, engine, **answer, differing=unlike)


def cells(options: argparse.Namespace) -> Iterator[Cell]:
    for views in options.views:
        for rows in options.rows:
            with TemporaryDirectory() as folder:
                make(Path(folder), rows, views)
                for ttl_days in options.ttl:
                    yield from case(
                        "random times", Path(folder), ["bare", *options.engines], ttl_days, options
                    )
        for rows in options.sink_rows:
            with TemporaryDirectory() as folder:
                make(Path(folder), rows, views)
                yield from case("sink_parquet", Path(folder), ["nightjar-sink"], 0, options)
    for rows in options.instant_rows:
        with TemporaryDirectory() as folder:
            make(Path(folder), rows, 4, one_instant=True)
            for ttl_days in options.ttl:
                ours = [engine for engine in options.engines if engine == "nightjar"]
                yield from case("one instant", Path(folder), ["scan-filter-group", *ours], ttl_days, options)
    if options.flights:
        with TemporaryDirectory() as folder:
            make_flights(Path(folder))
            yield from case("flights of 2013", Path(folder), ["bare", *options.engines], 30, options)


def exponent(found: list[Cell]) -> float | None:
    """Of the power law seconds = a * rows^b that fits a series best (least squares of logarithms)."""
    points = [(math.log(cell.rows), math.log(cell.seconds)) for cell in found if cell.seconds]
    if len({x for x, _ in points}) < 2:
        return None
    return round(statistics.linear_regression(*zip(*points, strict=True)).slope, 3)


def summary(found: list[Cell]) -> dict[str, float | None]:
    """The figures that the store is held to."""
    by = {(cell.case, cell.rows, cell.views, cell.ttl_days, cell.engine): cell for cell in found}
    figures: dict[str, float | None] = {}
    for (name, rows, views, ttl_days, engine), cell in by.items():
        floor = by.get(
            (name, rows, views, ttl_days, "scan-filter-group" if name == "one instant" else "bare")
        )
        if engine == "nightjar" and cell.seconds and floor and floor.seconds and floor.cpu_s and cell.cpu_s:
            where = f"{name}, {rows} rows, {views} views, ttl {ttl_days} d"
            figures[f"seconds over bare: {where}"] = round(cell.seconds / floor.seconds, 2)
            figures[f"cpu seconds over bare: {where}"] = round(cell.cpu_s / floor.cpu_s, 2)
        ours = by.get((name, rows, views, ttl_days, "nightjar"))
        if engine in RIVALS and cell.cpu_s and ours and ours.cpu_s:
            where = f"{name}, {rows} rows, {views} views, ttl {ttl_days} d"
            figures[f"cpu seconds of {engine} over ours: {where}"] = round(cell.cpu_s / ours.cpu_s, 1)
    sunk = sorted(
        (cell for cell in found if cell.case == "sink_parquet" and cell.peak_mb), key=lambda cell: cell.rows
    )
    if len(sunk) > 1:
        figures[f"sink_parquet: peak memory of {sunk[-1].rows} over {sunk[0].rows} rows"] = round(
            (sunk[-1].peak_mb or 0) / (sunk[0].peak_mb or 1), 2
        )
        figures["sink_parquet: exponent of seconds over rows"] = exponent(sunk)
    for ttl_days in sorted({cell.ttl_days for cell in found}):
        ours = [
            cell
            for cell in found
            if (cell.case, cell.engine, cell.ttl_days) == ("random times", "nightjar", ttl_days)
            and cell.rows >= 100_000
        ]
        if (fitted := exponent(ours)) is not None:
            figures[f"nightjar: exponent of seconds over rows from 100,000, ttl {ttl_days} d"] = fitted
    return figures


def shown(cell: Cell) -> str:
    what = (
        f"{cell.case:16} {cell.rows:>9,} rows {cell.views:>3} views ttl {cell.ttl_days:>2} d  "
        f"{cell.engine:18}"
    )
    if cell.failure:
        return f"{what} {cell.failure}"
    unlike = (
        "" if cell.differing is None else f"  {cell.differing:,} rows differ" if cell.differing else "  equal"
    )
    return (
        f"{what} {cell.seconds:8.2f} s {cell.cpu_s:8.2f} cpu s {cell.peak_mb:7.0f} MB (from "
        f"{cell.base_mb:.0f}){unlike}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows",
        type=int,
        nargs="*",
        default=[10_000, 100_000, 1_000_000],
        help="entity rows at random times",
    )
    parser.add_argument(
        "--sink-rows",
        type=int,
        nargs="*",
        default=[1_000_000, 4_000_000],
        help="entity rows written by sink_parquet",
    )
    parser.add_argument(
        "--instant-rows",
        type=int,
        nargs="*",
        default=[4_000, 1_000_000],
        help="entity rows that ask for one instant",
    )
    parser.add_argument("--views", type=int, nargs="*", default=[4])
    parser.add_argument("--ttl", type=int, nargs="*", default=[7, 0], help="days; 0 is for ever")
    others = ["nightjar", *RIVALS]
    parser.add_argument(
        "--engines",
        nargs="*",
        default=others[:2],
        choices=others,
        help="beside bare Polars, which always runs",
    )
    parser.add_argument(
        "--no-flights", dest="flights", action="store_false", help="leave the real year of flights out"
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--memory-gb", type=float, default=4)
    parser.add_argument("--timeout", type=float, default=300, help="seconds a retrieval")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    options = parser.parse_args()
    found = []
    for cell in cells(options):
        found.append(cell)
        if not options.json:
            print(shown(cell), flush=True)
    figures = summary(found)
    if options.json:
        print(json.dumps({"cells": [asdict(cell) for cell in found], "figures": figures}))
        return
    for name, figure in figures.items():
        print(f"{name}: {figure}")


if __name__ == "__main__":
    main()
