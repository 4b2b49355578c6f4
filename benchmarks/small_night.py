"""What a small night costs, cold and warm: seconds of the clock, CPU seconds, and the work that is done.

    uv run python benchmarks/small_night.py                  lands ten weeks and trains first: two minutes
    uv run python benchmarks/small_night.py --home FOLDER    in a home where `nightjar demo` has run
    uv run python benchmarks/small_night.py --home FOLDER --rounds 9 --json

Cold is `nightjar score` in a new process: imports, landing, features, the night and what follows it. It is
run with bytecode and without. Warm is `ScoreNight.run` in this process, from the claim to the commit of the
publication, without what follows. Each is a new revision of the same night. Medians count.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from kernel import postgres_cpu, postmaster_of
from own_home import platform_in, platform_of_its_own

import models
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import evening_by_now, night_of
from nightjar.core.night.entities import NightSummary
from nightjar.core.ports.following import nothing_follows
from nightjar.showing import console
from nightjar.testing.counting import Work, counted
from nightjar.wiring import logs
from nightjar.wiring.platform import Platform

TRAINED_TILL = date(2013, 3, 15)
NIGHT = date(2013, 10, 7)
COMMAND = """
import sys
from nightjar.cli import main
sys.argv = ["nightjar", "score", "--force", "--accept", "a benchmark", *sys.argv[1:]]
try:
    main()
finally:
    print("modules", len(sys.modules), *sorted({name.partition(".")[0] for name in sys.modules} & {
        "catboost", "evidently", "feast", "pandas", "pandera", "prefect", "scipy", "sklearn"}))
"""


@contextmanager
def prepared(home: Path | None, spec: ModelSpec) -> Iterator[tuple[Platform, date]]:
    """A platform with a champion, and a night that it may score."""
    if home is not None:
        with platform_in(home) as platform:
            yield platform, NIGHT
        return
    with platform_of_its_own() as platform:
        platform.prepare(spec).ready(evening_by_now(spec, TRAINED_TILL + timedelta(days=1)))
        trained = platform.retrain(spec, TRAINED_TILL)
        if not trained.promoted:
            platform.registry.promote(trained.version, "champion", "ten weeks are too few for the gates")
        yield platform, TRAINED_TILL + timedelta(days=1)


def measured(platform: Platform, act: Callable[[], Any], who: int) -> dict[str, float]:
    """who: whose CPU seconds count, RUSAGE_SELF or RUSAGE_CHILDREN."""
    postmaster = postmaster_of(platform.engine)
    before, postgres, started = resource.getrusage(who), postgres_cpu(postmaster), time.perf_counter()
    act()
    seconds, after = time.perf_counter() - started, resource.getrusage(who)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "postgres_cpu": postgres_cpu(postmaster) - postgres}


def cold(platform: Platform, spec: ModelSpec, day: date, bytecode: Path | None) -> dict[str, Any]:
    """bytecode: the folder of compiled modules. None: everything is compiled."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept = {"PYTHONPYCACHEPREFIX": str(bytecode)} if bytecode else {"PYTHONPYCACHEPREFIX": "/nonexistent"}
    written = {} if bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}
    environment = clean | kept | written | {"NIGHTJAR_HOME": str(platform.settings.home)}
    command = [sys.executable, "-c", COMMAND, "--model", spec.name, "--date", str(day)]
    said: list[str] = []

    def score() -> None:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        said.extend(done.stdout.splitlines()[-1].split()[1:])

    costs = measured(platform, score, resource.RUSAGE_CHILDREN)
    return costs | {"modules": int(said[0]), "libraries": said[1:]}


def warm(platform: Platform, spec: ModelSpec, day: date) -> dict[str, Any]:
    night = replace(platform.score_night(spec), follow=nothing_follows)
    published: list[NightSummary] = []

    def score() -> None:
        published.append(night.run(night_of(spec, day), force=True, accept="a benchmark"))

    return measured(platform, score, resource.RUSAGE_SELF) | {"rows": published[0].scored}


def work_of(platform: Platform, spec: ModelSpec, day: date) -> dict[str, Any]:
    with counted() as work:
        warm(platform, spec, day)
    return told(work)


def told(work: Work) -> dict[str, Any]:
    return {
        "statements": len(work.statements),
        "commits": work.commits,
        "copied_bytes": work.copied_bytes,
        "folders_listed": len(work.listed),
        "files_opened": len(work.opened),
        "parquet_files_read": len(work.read),
    }


def median(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = [name for name, value in rounds[0].items() if isinstance(value, float)]
    return rounds[-1] | {name: statistics.median(each[name] for each in rounds) for name in numbers}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--home", type=Path, help="A home where the demo of flight_delay has run.")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    spec = models.model("flight_delay")
    logs.of_command_line("text", "error", all_of_it=False)
    with prepared(given.home, spec) as (platform, day), tempfile.TemporaryDirectory() as folder:
        cold(platform, spec, day, Path(folder))  # fills the folder
        warm(platform, spec, day)
        rounds = [
            {
                "cold": cold(platform, spec, day, Path(folder)),
                "cold, no bytecode": cold(platform, spec, day, None),
                "warm": warm(platform, spec, day),
            }
            for _ in range(given.rounds)
        ]
        found = {name: median([each[name] for each in rounds]) for name in rounds[0]}
        found["work of a warm night"] = work_of(platform, spec, day)
    if given.json:
        print(json.dumps(found, indent=1))
    else:
        show(found)


def show(found: dict[str, dict[str, Any]]) -> None:
    for name, values in found.items():
        numbers = (
            f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
            for key, value in values.items()
        )
        console.out.print(f"{name}: {', '.join(numbers)}")


if __name__ == "__main__":
    main()
