"""Send the stages of a night by OpenTelemetry: one trace a night, and metrics.

The standard variables of OpenTelemetry say where to, and how. This module imports its SDK, so it is imported
where one of them names an endpoint.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.util import Finalize
from uuid import uuid4

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from nightjar.adapters.telemetry.signals import METRICS, NOT_SENT, TRACES, night_span_of, trace_of
from nightjar.core.night.entities import Run
from nightjar.core.night.stages import Stage, Work

log = structlog.get_logger(__name__)

EXIT_S = 3.0
"""How long the end of a process waits for what is not sent yet."""
NAME = "nightjar"

Facts = dict[str, str | int | float]

CALLS: dict[str, Facts] = {
    "write": {"db.operation.name": "COPY", "db.collection.name": "nightjar.score"},
    "publish": {"db.operation.name": "INSERT", "db.collection.name": "nightjar.publication"},
}
"""Stages that are calls of the database -> their attributes by the semantic conventions."""

COUNTED = (
    ("cpu_seconds", "cpu.time", "s", "CPU time of the process, shared by the stages that run at once"),
    ("rows", "rows", "{row}", "Rows that the stages handled"),
    ("size", "io", "By", "Bytes that the stages read or copied"),
    ("quarantined", "quarantined", "{row}", "Rows that the stages set aside"),
    ("retries", "retries", "{retry}", "How often the stages failed and were tried again"),
)
"""Field of a stage, end of the counter's name, unit, description."""


@dataclass(frozen=True, slots=True)
class Otlp:
    """Sends work in the background. No work waits for it, and none fails by it.

    keep: make telemetry of work. shut: send what is left, which may take long.
    """

    keep: tuple[Callable[[Work], None], ...]
    shut: tuple[Callable[[], object], ...]
    _ends: threading.Event = field(default_factory=threading.Event)
    _done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        # The thread waits from the beginning: a process that ends can start none.
        threading.Thread(target=self._shut, name="telemetry", daemon=True).start()
        Finalize(None, self.close, exitpriority=0)  # atexit is not called in the processes of a pool

    def __call__(self, work: Work) -> None:
        for keep in self.keep:
            keep(work)

    def close(self) -> None:
        """Send what is not sent yet, for at most EXIT_S seconds."""
        self._ends.set()
        self._done.wait(EXIT_S)

    def _shut(self) -> None:
        self._ends.wait()
        for shut in self.shut:
            shut()
        self._done.set()


def otlp(signals: frozenset[str], version: str, installation: str) -> Otlp:
    """Return what sends these signals. version: of Nightjar. installation: see `trace_of`."""
    complaints = logging.getLogger("opentelemetry")
    complaints.addHandler(FirstComplaint())
    complaints.propagate = False
    resource = _resource(version)
    keep, shut = list[Callable[[Work], None]](), list[Callable[[], object]]()
    if TRACES in signals:
        ids = Ids()
        traces = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        keep.append(Traces(traces, ids, installation))
        shut.append(traces.shutdown)
    if METRICS in signals:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        metrics = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        keep.append(Metrics(metrics))
        shut.append(metrics.shutdown)
    return Otlp(tuple(keep), tuple(shut))


def _resource(version: str) -> Resource:
    """What describes this process. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come before ours."""
    ours = {"service.name": NAME, "service.version": version, "service.instance.id": str(uuid4())}
    return Resource.create(ours).merge(OTELResourceDetector().detect())


class FirstComplaint(logging.Handler):
    """Tells of the first complaint of OpenTelemetry in one line of our log, and of no other."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        if self._told.acquire(blocking=False):
            log.warning(NOT_SENT, error=record.getMessage())


class Ids(RandomIdGenerator):
    """Ids of spans: random, but for a root, whose ids are those of its run."""

    def __init__(self) -> None:
        self._root = threading.local()

    @contextmanager
    def of(self, root: SpanContext | None) -> Iterator[None]:
        """Give the next span of this thread these ids."""
        self._root.ids = root
        try:
            yield
        finally:
            self._root.ids = None

    def generate_trace_id(self) -> int:
        root: SpanContext | None = getattr(self._root, "ids", None)
        return super().generate_trace_id() if root is None else root.trace_id

    def generate_span_id(self) -> int:
        root: SpanContext | None = getattr(self._root, "ids", None)
        return super().generate_span_id() if root is None else root.span_id


@dataclass(frozen=True, slots=True)
class Traces:
    """Makes spans of work that has ended: night, its parts, and the stages of both.

    provider: with these ids. A part knows the ids of its night before the night's span has ended, in whatever
    process it was scored.
    """

    provider: TracerProvider
    ids: Ids
    installation: str

    def __call__(self, work: Work) -> None:
        night = self._night(work.run)
        if work.follows:
            self._stages(work, night)
            return
        name, parent, own = ("night", None, night) if work.part is None else ("part", night, None)
        with self.ids.of(own):
            span = self._begun(name, parent, work, _of_work(work))
        self._stages(work, span.get_span_context())
        _end(span, work)

    def _night(self, run: Run) -> SpanContext:
        trace = trace_of(run, self.installation)
        sampled = self.provider.sampler.should_sample(None, trace, "night").decision.is_sampled()
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        return SpanContext(trace, night_span_of(run), is_remote=True, trace_flags=flags)

    def _stages(self, work: Work, parent: SpanContext) -> None:
        for stage in work.stages:
            _end(self._begun(stage.stage, parent, stage, _of_work(work) | _of_stage(stage)), stage)

    def _begun(self, name: str, parent: SpanContext | None, what: Work | Stage, facts: Facts) -> Span:
        within = Context() if parent is None else set_span_in_context(NonRecordingSpan(parent), Context())
        kind = SpanKind.CLIENT if name in CALLS else SpanKind.INTERNAL
        began = _nanoseconds(what.started_at)
        return self._tracer.start_span(name, within, kind=kind, attributes=facts, start_time=began)

    @property
    def _tracer(self) -> Tracer:
        return self.provider.get_tracer(NAME)


def _of_work(work: Work) -> Facts:
    run = work.run
    found: Facts = {
        "nightjar.model": run.model,
        "nightjar.score_date": str(run.score_date),
        "nightjar.run.id": run.id,
        "nightjar.run.revision": run.revision,
        "nightjar.run.attempt": run.attempt,
    }
    return found if work.part is None else found | {"nightjar.part": work.part}


def _of_stage(stage: Stage) -> Facts:
    """Attributes of a stage. What is not known is left out."""
    known = {
        "nightjar.role": stage.role or None,
        **{f"nightjar.stage.{called}": getattr(stage, name) for name, called, *_ in COUNTED},
        "nightjar.stage.memory.peak": stage.peak_memory,
    }
    found: Facts = {name: value for name, value in known.items() if value is not None}
    return found | ({"db.system.name": "postgresql", **CALLS[stage.stage]} if stage.stage in CALLS else {})


def _end(span: Span, ended: Work | Stage) -> None:
    if ended.error is not None:
        span.set_attribute("error.type", ended.error)
        span.set_status(Status(StatusCode.ERROR, ended.error))
    span.end(_nanoseconds(ended.started_at + timedelta(seconds=ended.seconds)))


def _nanoseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000) * 1000


class Metrics:
    """Counts work that has ended."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter(NAME)
        told = "The most that the process had held until the stage ended"
        self._nights = meter.create_histogram("nightjar.night.duration", "s", "Attempts at nights")
        self._stages = meter.create_histogram("nightjar.stage.duration", "s", "Stages of nights and parts")
        self._memory = meter.create_gauge("nightjar.stage.memory.peak", "By", told)
        self._counters = [
            (name, meter.create_counter(f"nightjar.stage.{called}", unit, told))
            for name, called, unit, told in COUNTED
        ]

    def __call__(self, work: Work) -> None:
        model = {"nightjar.model": work.run.model}
        if work.part is None and not work.follows:
            self._nights.record(work.seconds, model | _failed(work))
        for stage in work.stages:
            self._count(stage, {**model, "nightjar.stage": stage.stage, "nightjar.role": stage.role})

    def _count(self, stage: Stage, where: dict[str, str]) -> None:
        self._stages.record(stage.seconds, where | _failed(stage))
        self._memory.set(stage.peak_memory, where)
        for name, counter in self._counters:
            if number := getattr(stage, name):
                counter.add(number, where)


def _failed(ended: Work | Stage) -> dict[str, str]:
    return {} if ended.error is None else {"error.type": ended.error}
