"""Logs as events with fields, on the standard library's loggers, so that Prefect shows them beside its own.

docs/logs.md lists the fields and their sources.
"""

import logging
import os
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter

from nightjar.core.platform.log_lines import rendered
from nightjar.wiring.json_lines import speak_json, spoken_as_json

Event = MutableMapping[str, Any]

PREFECTS_NAMES = {
    "flow_run_id": "flow_run",
    "flow_run_name": "flow_run_name",
    "flow_name": "flow",
    "task_run_id": "task_run",
    "task_run_name": "task_run_name",
    "deployment_name": "deployment",
}
"""Attribute that Prefect's loggers add to a record -> the log field that it becomes."""

NOT_TOLD = ("<unknown>", None)

FORMATTERS = Path(__file__).with_name("prefect_logging.yaml")


def prefect_settings(log_format: str) -> dict[str, str]:
    """Settings that make Prefect log as we do. `console` and `json` are formatters of FORMATTERS."""
    return {
        "PREFECT_LOGGING_SETTINGS_PATH": str(FORMATTERS),
        "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": log_format,
        "PREFECT_LOGGING_HANDLERS_DEBUG_FORMATTER": log_format,
        "PREFECT_LOGGING_EXTRA_LOGGERS": "nightjar",
        "PREFECT_LOGGING_LOG_PRINTS": "true",
    }


def configure(log_format: str, level: str) -> None:
    """Send our events to the loggers of this process, or to stderr if it has none.

    Called once per process.
    """
    as_json = log_format == "json"
    processors = structlog.get_config()["processors"]  # a logger that was used already keeps this very list
    processors[:] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        *([ProcessorFormatter.wrap_for_formatter] if as_json else TEXT),
    ]
    structlog.configure(
        processors=processors,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logger = logging.getLogger("nightjar")
    logger.setLevel(level.upper())
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(
            json_formatter() if as_json else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
        )
        (logging.getLogger() if as_json else logger).addHandler(handler)


def as_text(_logger: Any, _method: str, event: Event) -> str:
    """The event followed by its fields, with the traceback below."""
    name, trace = event.pop("event"), event.pop("exception", None)
    line = " ".join([str(name), *(f"{field}={value!r}" for field, value in event.items())])
    return f"{line}\n{trace}" if trace else line


TEXT = (structlog.processors.StackInfoRenderer(), structlog.processors.format_exc_info, as_text)


def json_formatter() -> ProcessorFormatter:
    """Renders every record of any logger as one line of JSON, and logs warnings too."""
    logging.captureWarnings(capture=True)
    return ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars],
        processors=[structlog.processors.StackInfoRenderer(), structlog.processors.format_exc_info, as_line],
    )


def as_line(_logger: Any, _method: str, event: Event) -> str:
    record: logging.LogRecord = event.pop("_record")
    event.pop("_from_structlog")
    return rendered(
        str(event.pop("event")).strip(),
        at=datetime.fromtimestamp(record.created, UTC),
        level=record.levelname.lower(),
        logger=record.name,
        fields={**of_process(), **of_record(record), **event},
    )


def of_process() -> dict[str, object]:
    """The fields of every log record of this process.

    Prefect gives the flow run's id to the process that carries it out.
    """
    flow_run = os.environ.get("PREFECT__FLOW_RUN_ID")
    return {"flow_run": flow_run} if flow_run else {}


def of_record(record: logging.LogRecord) -> dict[str, object]:
    found = {ours: getattr(record, theirs, None) for theirs, ours in PREFECTS_NAMES.items()}
    return {name: str(value) for name, value in found.items() if value not in NOT_TOLD}


class Readable(logging.Formatter):
    """Formats records for people in Prefect's UI: our events with their fields, others unchanged."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name is logging's
        if not isinstance(record.msg, dict):
            return super().formatMessage(record)
        return as_text(None, "", structlog.processors.format_exc_info(None, "", dict(record.msg)))


def of_command_line(log_format: str, level: str, *, all_of_it: bool = False) -> None:
    """Configure the log of a command. With JSON, its stderr becomes JSON; with all_of_it, its stdout too."""
    if log_format == "json":
        speak_json()
    if all_of_it and spoken_as_json():
        sys.stdout = sys.stderr
    configure("json" if spoken_as_json() else "console", level)
