"""Send by OpenTelemetry, if somebody asks for it. Its SDK is imported then."""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import structlog

from nightjar.adapters.telemetry.meter import Keep
from nightjar.adapters.telemetry.signals import NOT_SENT, wanted

log = structlog.get_logger(__name__)


def senders(environment: Mapping[str, str], installation: Callable[[], str]) -> Sequence[Keep]:
    """Return what sends work by OpenTelemetry: nothing, unless a variable names an endpoint.

    installation: gives the name that tells the runs of several databases apart. An error becomes a line of
    the log.
    """
    signals = wanted(environment)
    if not signals:
        return ()
    try:
        from nightjar.adapters.telemetry.otlp import otlp  # noqa: PLC0415

        return (otlp(signals, version("nightjar"), installation()),)
    # No night may fail because of what only watches it.
    except Exception as error:  # noqa: BLE001
        log.warning(NOT_SENT, error=str(error))
        return ()
