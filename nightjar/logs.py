"""Logs as events with fields, on the standard library's `nightjar` logger, so that Prefect shows them beside its own."""

import logging

import structlog


def configure(log_format: str, level: str) -> None:
    """Send events to stderr as readable lines ("console") or one JSON object a line ("json"). Called once a process, by the edges."""
    renderer = structlog.processors.JSONRenderer() if log_format == "json" else structlog.processors.KeyValueRenderer(key_order=["event"])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True) if log_format == "json" else structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logger = logging.getLogger("nightjar")
    logger.setLevel(level.upper())
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s" if log_format == "json" else "%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
