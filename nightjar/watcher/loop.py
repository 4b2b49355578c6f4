"""The rounds of the watcher: it tells what is to be told, and waits until something is published."""

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from db.listening import listening
from nightjar.core.errors.base import NightjarError
from nightjar.core.ports.telling import Consumer
from nightjar.wiring.platform import Platform

log = structlog.get_logger(__name__)

ROUND_S = 5.0
"""The longest time between two rounds: what did not arrive is due again after as long."""

Round = Callable[[datetime], None]


def watch(platform: Platform) -> None:
    """Do rounds until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, interrupted)
    try:
        while True:
            survive(platform)
    except KeyboardInterrupt:
        log.info("watcher_ends")
    finally:
        platform.close()


def survive(platform: Platform) -> None:
    """Do rounds until one fails. No error ends the watcher: nobody else would tell of it."""
    try:
        rounds(platform)
    except NightjarError as error:
        log.warning("watcher_waits", error=str(error))
    except Exception:
        log.exception("watcher_waits")
    time.sleep(ROUND_S)


def rounds(platform: Platform) -> None:
    with listening(platform.url("writer")) as published:
        tell = platform.tell_consumers(prefect_consumer(platform))
        while True:
            tell(datetime.now(UTC))
            published(ROUND_S)


def prefect_consumer(platform: Platform) -> dict[str, Consumer]:
    """The Prefect server, if PREFECT_API_URL names one."""
    api = os.environ.get("PREFECT_API_URL")
    if not api:
        return {}
    from nightjar.server.events import PrefectEvents  # noqa: PLC0415  # Prefect takes seconds

    return {"prefect": PrefectEvents(platform.settings, api)}


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt
