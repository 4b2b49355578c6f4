"""What a receiver of OpenTelemetry gets of a night, and that no night depends on the receiver."""

import logging
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
from harness.otlp import ENDPOINT, by_name, facts
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from structlog.testing import capture_logs

from nightjar.adapters.telemetry.meter import ProcessMeter
from nightjar.adapters.telemetry.senders import senders
from nightjar.adapters.telemetry.signals import METRICS, TRACES, night_span_of, trace_of, wanted
from nightjar.core.errors.night import AuditFailed

BOTH = {TRACES, METRICS}
PROGRAM = """
import os, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from nightjar.adapters.telemetry.meter import ProcessMeter
from nightjar.adapters.telemetry.senders import senders
from nightjar.core.night.entities import Run

def part(told):
    number, run = told
    with ProcessMeter(senders(os.environ, lambda: "here"))(Run.model_validate_json(run), number) as stages:
        with stages("predict") as tell:
            tell(rows=1)

if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        list(pool.map(part, [(0, sys.argv[1])]))
    part((1, sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def complaints():
    """The logger of OpenTelemetry as it was before."""
    logger = logging.getLogger("opentelemetry")
    handlers, propagate = logger.handlers[:], logger.propagate
    yield logger
    logger.handlers, logger.propagate = handlers, propagate


@pytest.fixture(autouse=True)
def sending_ends():
    """No thread goes on sending. Each uses the global `random`, which Hypothesis finds in the next tests."""
    yield
    for thread in threading.enumerate():
        if thread.name == "telemetry" or thread.name.startswith("Otel"):
            thread.join(30)
            assert not thread.is_alive(), thread.name


def sender_to(url, **variables):
    """What sends to a URL, with other variables set. The SDK reads them when it is made."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {ENDPOINT: url, **variables}.items():
            patched.setenv(name, value)
        (sender,) = senders(os.environ, lambda: "here")
    return sender


@pytest.fixture
def sender(receiver):
    return sender_to(receiver.url, OTEL_EXPORTER_OTLP_HEADERS="x-key=secret", OTEL_SERVICE_NAME="scoring")


def score(meter, run):
    """A night with two parts on threads, and what follows it."""

    def part(number):
        with meter(run, number) as stages:
            with stages("retrieval") as tell:
                tell(rows=10, size=800)
            with stages("write") as tell:
                tell(rows=10, size=500, quarantined=1)

    with meter(run) as stages:
        with stages("population") as tell:
            tell(rows=20)
        threads = [threading.Thread(target=part, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with stages("publish"):
            pass
    with meter(run, follows=True) as stages, stages("drift"):
        pass


def test_a_night_is_one_trace_of_its_parts_and_stages(receiver, sender, run):
    score(ProcessMeter(keep=(sender,)), run)
    sender.close()
    spans = by_name(receiver.spans())
    assert {name: len(found) for name, found in spans.items()} == {
        "night": 1,
        "part": 2,
        "population": 1,
        "retrieval": 2,
        "write": 2,
        "publish": 1,
        "drift": 1,
    }
    trace, root = trace_of(run, "here").to_bytes(16, "big"), night_span_of(run).to_bytes(8, "big")
    assert {span.trace_id for found in spans.values() for span in found} == {trace}
    (night,) = spans["night"]
    assert (night.span_id, night.parent_span_id) == (root, b"")
    of_night = [span for name in ("part", "population", "publish", "drift") for span in spans[name]]
    assert {span.parent_span_id for span in of_night} == {root}
    parts = {span.span_id for span in spans["part"]}
    assert {span.parent_span_id for name in ("retrieval", "write") for span in spans[name]} == parts


def test_spans_have_the_facts_of_their_stage_and_the_times_of_the_work(receiver, sender, run):
    before = time.time_ns()
    score(ProcessMeter(keep=(sender,)), run)
    sender.close()
    spans = by_name(receiver.spans())
    write, publish = spans["write"][0], spans["publish"][0]
    told = facts(write)
    assert {
        name: told[name] for name in told if name.startswith(("db.", "nightjar.model", "nightjar.run"))
    } == {
        "db.system.name": "postgresql",
        "db.operation.name": "COPY",
        "db.collection.name": "nightjar.score",
        "nightjar.model": "toy",
        "nightjar.run.id": 7,
        "nightjar.run.revision": 1,
        "nightjar.run.attempt": 1,
    }
    assert (told["nightjar.stage.rows"], told["nightjar.stage.io"], told["nightjar.stage.quarantined"]) == (
        10,
        500,
        1,
    )
    assert told["nightjar.stage.memory.peak"] > 10_000_000
    assert facts(publish)["db.collection.name"] == "nightjar.publication"
    assert "nightjar.stage.rows" not in facts(publish)
    assert (write.kind, spans["retrieval"][0].kind) == (Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL)
    night = spans["night"][0]
    assert before - 10**6 <= night.start_time_unix_nano <= publish.start_time_unix_nano
    assert publish.end_time_unix_nano - 10**6 <= night.end_time_unix_nano <= time.time_ns() + 10**6


def test_the_service_and_the_headers_are_those_of_the_standard_variables(receiver, sender, run):
    score(ProcessMeter(keep=(sender,)), run)
    sender.close()
    assert {path for path, _, _ in receiver.got} == {"/v1/traces", "/v1/metrics"}
    for path, headers, request in receiver.got:
        resources = request.resource_spans if path == "/v1/traces" else request.resource_metrics
        assert facts(resources[0].resource)["service.name"] == "scoring"
        assert headers["x-key"] == "secret"


def test_metrics_count_stages_with_their_units(receiver, sender, run):
    score(ProcessMeter(keep=(sender,)), run)
    sender.close()
    metrics = receiver.metrics()
    assert {name: metric.unit for name, metric in metrics.items()} == {
        "nightjar.night.duration": "s",
        "nightjar.stage.duration": "s",
        "nightjar.stage.memory.peak": "By",
        "nightjar.stage.cpu.time": "s",
        "nightjar.stage.rows": "{row}",
        "nightjar.stage.io": "By",
        "nightjar.stage.quarantined": "{row}",
    }
    rows = {
        facts(point)["nightjar.stage"]: point.as_int
        for point in metrics["nightjar.stage.rows"].sum.data_points
    }
    assert rows == {"population": 20, "retrieval": 20, "write": 20}
    counts = {
        facts(point)["nightjar.stage"]: point.count
        for point in metrics["nightjar.stage.duration"].histogram.data_points
    }
    assert counts == {"population": 1, "retrieval": 2, "write": 2, "publish": 1, "drift": 1}


def test_what_failed_is_an_error_with_its_class(receiver, sender, run):
    with pytest.raises(AuditFailed), ProcessMeter(keep=(sender,))(run) as stages, stages("audit"):
        raise AuditFailed(run.model, run.score_date, ["half of it"], acceptable=True)
    sender.close()
    for span in receiver.spans():
        assert (span.status.code, facts(span)["error.type"]) == (Status.STATUS_CODE_ERROR, "AuditFailed")
    (point,) = receiver.metrics()["nightjar.night.duration"].histogram.data_points
    assert facts(point)["error.type"] == "AuditFailed"


def test_parts_of_other_processes_join_the_trace_and_are_sent_when_these_end(receiver, run, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, ENDPOINT: receiver.url, "OTEL_METRICS_EXPORTER": "none"}
    done = subprocess.run(
        [sys.executable, program, run.model_dump_json()],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    spans = by_name(receiver.spans())
    assert sorted(facts(span)["nightjar.part"] for span in spans["part"]) == [0, 1]
    assert {span.trace_id for span in spans["part"]} == {trace_of(run, "here").to_bytes(16, "big")}
    assert {path for path, _, _ in receiver.got} == {"/v1/traces"}


def test_all_attempts_of_a_run_are_one_trace_and_runs_of_two_databases_are_two(run):
    again = run.model_copy(update={"attempt": 2})
    assert trace_of(run, "here") == trace_of(again, "here") != trace_of(run, "there")
    assert night_span_of(run) != night_span_of(again)
    assert trace_of(run.model_copy(update={"revision": 2}), "here") != trace_of(run, "here")


def nobody():
    """A URL where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("trouble", ["down", "silent", "full"])
def test_a_receiver_in_trouble_delays_no_work_and_ends_in_one_line(receiver, run, trouble, monkeypatch):
    monkeypatch.setattr("nightjar.adapters.telemetry.otlp.EXIT_S", 0.5)
    if trouble == "silent":
        receiver.answers.clear()
    receiver.status = 503
    sender = sender_to(nobody() if trouble == "down" else receiver.url, OTEL_EXPORTER_OTLP_TIMEOUT="0.3")
    meter = ProcessMeter(keep=(sender,))
    with capture_logs() as logs:
        began = time.monotonic()
        for _ in range(20):
            score(meter, run)
        worked, began = time.monotonic() - began, time.monotonic()
        sender.close()
        ended = time.monotonic() - began
        assert worked < 5
        assert ended < 2
        _until(lambda: logs)
    assert [line["event"] for line in logs] == ["telemetry_not_sent"]


def _until(true):
    ends = time.monotonic() + 10
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("environment", "signals"),
    [
        ({}, set()),
        ({ENDPOINT: ""}, set()),
        ({ENDPOINT: "http://x"}, BOTH),
        ({ENDPOINT: "http://x", "OTEL_SDK_DISABLED": "true"}, set()),
        ({ENDPOINT: "http://x", "OTEL_METRICS_EXPORTER": "none"}, {TRACES}),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x/m"}, {METRICS}),
        ({ENDPOINT: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, BOTH),
        ({ENDPOINT: "http://x", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, {METRICS}),
    ],
)
def test_the_standard_variables_say_what_is_sent(environment, signals):
    assert wanted(environment) == signals


def test_another_protocol_is_told_and_not_tried():
    with capture_logs() as logs:
        assert wanted({ENDPOINT: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}) == set()
    assert [line["error"] for line in logs] == [
        "traces by grpc: only http/protobuf is sent",
        "metrics by grpc: only http/protobuf is sent",
    ]


def test_a_sender_that_cannot_be_made_is_told_and_no_night_fails():
    def denied():
        raise PermissionError("permission denied for function pg_control_system")

    with capture_logs() as logs:
        assert senders({ENDPOINT: "http://x"}, denied) == ()
    assert [line["event"] for line in logs] == ["telemetry_not_sent"]
