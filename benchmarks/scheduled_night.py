"""Where the seconds of a scheduled night go, from its start by the schedule to the publication.

    uv run python benchmarks/scheduled_night.py --home FOLDER            where `nightjar demo` has run
    uv run python benchmarks/scheduled_night.py --home FOLDER --rounds 9 --json

`nightjar up` is started there: a real Prefect server with a real worker. Each round is a new revision of one
night by the deployment `score`, scheduled a moment ahead. Medians count. The steps are told apart by what
the server and the ledger keep. Of the imports, those are ours that `flows.score` adds to Prefect's own.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

import models
from nightjar.core.model.spec import ModelSpec
from nightjar.server.deploy import connected, local_api
from nightjar.server.login import ensured_login
from nightjar.showing import console
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

NIGHT = date(2013, 10, 7)
TIMES = """
    SELECT claimed_at, published_at FROM publications JOIN runs USING (run_id)
    WHERE runs.flow_run = %(flow_run)s
"""
PATIENCE = 180
AHEAD = timedelta(seconds=12)
"""Longer than the worker's pause between two looks for work, so that it may learn of the run in time."""
NIGHTJAR = Path(sys.executable).with_name("nightjar")
PREFECT_ALONE, WITH_OURS = "import prefect.flow_engine", "import prefect.flow_engine, flows.score"
OURS = ("imports of the flow, ours", "from the first line of the flow to the claim", "claim to publication")


@contextmanager
def up(settings: Settings) -> Iterator[Any]:
    """A client of the server that `nightjar up` runs."""
    log = settings.home / "benchmark-up.log"
    with log.open("w") as file:
        there = os.environ | {"NIGHTJAR_HOME": str(settings.home)}
        running = subprocess.Popen([NIGHTJAR, "up", "--no-champion"], stdout=file, stderr=file, env=there)
    try:
        deadline = time.monotonic() + PATIENCE
        while "is up" not in log.read_text():
            if running.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(log.read_text())
            time.sleep(0.5)
        known = settings.model_copy(update={"prefect_auth": ensured_login(settings)})
        with connected(known, local_api(known)) as client:
            yield client
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(PATIENCE)


def asked(client: Any, path: str, body: dict[str, Any] | None = None) -> Any:
    return client.request("GET" if body is None else "POST", path, json=body).json()


def round_of(client: Any, platform: Platform, spec: ModelSpec, day: date) -> dict[str, float]:
    deployment = asked(client, f"/deployments/name/score/{spec.name}-score")["id"]
    wanted = datetime.now(UTC) + AHEAD
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": str(wanted)}}
    parameters = {"score_date": str(day), "force": True, "accept": "a benchmark", "report": False}
    made = asked(
        client, f"/deployments/{deployment}/create_flow_run", {"parameters": parameters, "state": state}
    )
    deadline = time.monotonic() + PATIENCE
    while (run := asked(client, f"/flow_runs/{made['id']}"))["state_type"] != "COMPLETED":
        if run["state_type"] in {"FAILED", "CRASHED", "CANCELLED"} or time.monotonic() > deadline:
            raise SystemExit(f"the flow run ended as {run['state']}")
        time.sleep(0.5)
    states = asked(client, f"/flow_run_states/?flow_run_id={made['id']}")
    at = {each["type"]: datetime.fromisoformat(each["timestamp"]) for each in reversed(states)}
    with psycopg.connect(platform.url("analyst")) as connection:
        found = connection.execute(TIMES, {"flow_run": made["id"]}).fetchone()
    assert found is not None, "this flow run published nothing"
    claimed_at, published_at = found
    return {
        "until the worker takes it": (at["PENDING"] - wanted).total_seconds(),
        "until the flow begins": (at["RUNNING"] - at["PENDING"]).total_seconds(),
        OURS[1]: (claimed_at - at["RUNNING"]).total_seconds(),
        OURS[2]: (published_at - claimed_at).total_seconds(),
        "scheduled start to publication": (published_at - wanted).total_seconds(),
        "publication to the end of the flow": (at["COMPLETED"] - published_at).total_seconds(),
    }


def seconds_of(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--home", type=Path, required=True)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    spec = models.model("flight_delay")
    settings = Settings(home=given.home.resolve(), _env_file=None)
    platform = Platform(settings)
    try:
        with up(settings) as client:
            round_of(client, platform, spec, NIGHT)  # fills the folder of bytecode
            rounds = [round_of(client, platform, spec, NIGHT) for _ in range(given.rounds)]
            imports = [seconds_of(WITH_OURS) - seconds_of(PREFECT_ALONE) for _ in range(given.rounds)]
    finally:
        platform.close()
    found = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    found[OURS[0]] = statistics.median(imports)
    found["ours together"] = sum(found[name] for name in OURS)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for name, seconds in found.items():
        console.out.print(f"{name:50} {seconds:6.2f} s")


if __name__ == "__main__":
    main()
