"""A whole night of a flow, as a receiver of OpenTelemetry sees it: the same that Postgres keeps.

It needs a process of its own, so the long run has it. On every day tests/adapters/telemetry/test_otlp.py
holds traces, metrics and parts of other processes to a real receiver, and
tests/usecases/scoring/test_stages.py the stages of a night.
"""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from harness.held import receipts
from harness.otlp import ENDPOINT, by_name, facts, receiving

from nightjar.core.night.stages import Stage, totals
from nightjar.server.deploy import local_api
from nightjar.wiring.settings import PROJECT

pytestmark = [pytest.mark.platform, pytest.mark.chaos, pytest.mark.timeout(400)]
DAY = date(2013, 3, 28)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = 1_000_000
"""Nanoseconds."""


@pytest.fixture(scope="module")
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def night(prefect, world, receiver):
    """The run of a night that was scored by a process like those that the worker starts."""
    deployment = prefect.ask("/deployments/name/score/flight_delay-score")
    wanted = {"model": "flight_delay", "score_date": str(DAY), "report": False}
    # Pending, so that the worker does not take it.
    body = {"parameters": wanted, "state": {"type": "PENDING"}}
    flow_run = prefect.ask(f"/deployments/{deployment['id']}/create_flow_run", body)["id"]
    environment = {
        **world.env(),
        ENDPOINT: receiver.url,
        "PREFECT_API_URL": local_api(prefect.settings),
        "PREFECT_API_AUTH_STRING": prefect.settings.prefect_auth.get_secret_value(),
        "PREFECT__FLOW_RUN_ID": flow_run,
        "PREFECT__FLOW_ENTRYPOINT": deployment["entrypoint"],
    }
    done = subprocess.run(
        [sys.executable, "-m", "prefect.engine"],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert prefect.ended(flow_run)["state_type"] == "COMPLETED"
    return world.platform.store.run(world.platform.store.publication("flight_delay", DAY).run_id)


@pytest.fixture(scope="module")
def stored(night, world):
    """Part and stage of each stage of the night, as Postgres keeps them."""
    return world.platform.stages.stages(night.id)


def test_a_night_is_one_trace_and_its_parts_and_stages_lie_below_it(night, world, receiver):
    spans = receiver.spans()
    for told in map(facts, spans):
        assert (told["nightjar.model"], told["nightjar.score_date"]) == ("flight_delay", str(DAY))
        assert (told["nightjar.run.id"], told["nightjar.run.attempt"]) == (night.id, 1)
    assert len({span.trace_id for span in spans}) == 1
    named = by_name(spans)
    (root,), parts = named.pop("night"), {span.span_id: span for span in named.pop("part")}
    assert {facts(part)["nightjar.part"] for part in parts.values()} == set(receipts(world, DAY))
    assert {part.parent_span_id for part in parts.values()} == {root.span_id}
    for stage in (span for found in named.values() for span in found):
        above = parts[stage.parent_span_id] if "nightjar.part" in facts(stage) else root
        assert stage.parent_span_id == above.span_id
        assert above.start_time_unix_nano - MS <= stage.start_time_unix_nano


def test_the_trace_has_every_stored_stage_with_its_date_rows_and_seconds(stored, receiver):
    sent = {of_span(span) for span in receiver.spans() if span.name not in {"night", "part"}}
    assert sent == {(part, rounded(stage)) for part, stage in stored}
    assert {"readiness", "population", "retrieval", "predict", "write", "audit", "publish", "drift"} <= {
        stage.stage for _, stage in sent
    }


def of_span(span) -> tuple[int | None, Stage]:
    told = facts(span)
    numbers = ("rows", "quarantined", "retries")
    stage = Stage(
        stage=span.name,
        role=told.get("nightjar.role", ""),
        started_at=EPOCH + timedelta(microseconds=span.start_time_unix_nano // 1000),
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        cpu_seconds=told["nightjar.stage.cpu.time"],
        peak_memory=told["nightjar.stage.memory.peak"],
        size=told.get("nightjar.stage.io"),
        error=told.get("error.type"),
        **{name: told[f"nightjar.stage.{name}"] for name in numbers if f"nightjar.stage.{name}" in told},
    )
    return told.get("nightjar.part"), rounded(stage)


def rounded(stage: Stage) -> Stage:
    """To microseconds, as the ends of spans are."""
    return stage.model_copy(update={"seconds": round(stage.seconds, 6)})


def test_the_metrics_of_a_night_are_the_sums_of_its_stages(stored, receiver):
    metrics = receiver.metrics()
    (nights,) = metrics["nightjar.night.duration"].histogram.data_points
    assert (nights.count, facts(nights)) == (1, {"nightjar.model": "flight_delay"})
    sums = {(each.stage, each.role): each for each in totals(stage for _, stage in stored)}
    durations = points(metrics["nightjar.stage.duration"].histogram)
    assert {name: point.count for name, point in durations.items()} == {
        name: each.times for name, each in sums.items()
    }
    assert {name: point.sum for name, point in durations.items()} == pytest.approx(
        {name: each.seconds for name, each in sums.items()}
    )
    for name, called in (("rows", "rows"), ("size", "io"), ("cpu_seconds", "cpu.time")):
        counted = points(metrics[f"nightjar.stage.{called}"].sum)
        assert {where: point.as_int or point.as_double for where, point in counted.items()} == pytest.approx(
            {where: number for where, each in sums.items() if (number := getattr(each, name))}
        )


def points(data) -> dict[tuple[str, str], Any]:
    """By stage and role."""
    told = ((facts(point), point) for point in data.data_points)
    return {(each["nightjar.stage"], each["nightjar.role"]): point for each, point in told}
