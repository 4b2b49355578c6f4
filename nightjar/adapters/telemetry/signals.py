"""Which signals of OpenTelemetry are to be sent, and by which ids the work of a night is told."""

from collections.abc import Mapping
from hashlib import sha256

import structlog

from nightjar.core.night.entities import Run

log = structlog.get_logger(__name__)

TRACES, METRICS = "traces", "metrics"
PROTOCOL = "http/protobuf"
NOT_SENT = "telemetry_not_sent"


def wanted(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the signals that the standard variables of OpenTelemetry ask for. Its SDK is not imported."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return frozenset()
    return frozenset(signal for signal in (TRACES, METRICS) if _is_wanted(signal.upper(), environment))


def _is_wanted(signal: str, environment: Mapping[str, str]) -> bool:
    def said(name: str) -> str | None:
        of_all = environment.get(f"OTEL_EXPORTER_OTLP_{name}")
        return environment.get(f"OTEL_EXPORTER_OTLP_{signal}_{name}") or of_all

    if not said("ENDPOINT") or environment.get(f"OTEL_{signal}_EXPORTER") == "none":
        return False
    protocol = said("PROTOCOL") or PROTOCOL
    if protocol != PROTOCOL:
        log.warning(NOT_SENT, error=f"{signal.lower()} by {protocol}: only {PROTOCOL} is sent")
    return protocol == PROTOCOL


def trace_of(run: Run, installation: str) -> int:
    """Return the id of a run's trace, of 128 bits.

    It is the same for each attempt, part and process of the run. installation: tells the runs of several
    databases apart.
    """
    first = run.model_copy(update={"attempt": 1})
    return int.from_bytes(sha256(f"{installation} {first.claim}".encode()).digest()[:16], "big")


def night_span_of(run: Run) -> int:
    """Return the id of the span of an attempt at a night, of 64 bits."""
    return int.from_bytes(sha256(run.claim.encode()).digest()[:8], "big")
