"""The rounds of the watcher: look, note what begins and ends, tell, and wait until something is published."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

import models
from db.listening import listening
from nightjar.adapters.notify.heartbeat import beat
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.ports.telling import Consumer
from nightjar.core.telling.incidents import Key, Note, changes
from nightjar.core.telling.messages import database_back, database_gone
from nightjar.core.telling.rules import judged
from nightjar.usecases.telling.incidents import TellPeople
from nightjar.watcher.looks import LookAtPlatform, models_of
from nightjar.wiring.platform import Platform

log = structlog.get_logger(__name__)

ROUND_S = 5.0
"""The longest time between two rounds: what did not arrive is due again after as long."""
LOOKS_EVERY = timedelta(minutes=1)


@dataclass
class Watcher:
    """What a watcher remembers between rounds.

    seen: the troubles of its last look. untold: channels that do not know of the last change of the database.
    """

    platform: Platform
    look_at_platform: LookAtPlatform
    seen: frozenset[Key] = frozenset()
    looked_at: datetime | None = None
    gone: bool = False
    untold: set[str] = field(default_factory=set[str])

    def look(self, now: datetime) -> bool:
        """Note what has begun and ended since the last look. Return True if every model was looked at."""
        ledger, people = self.platform.incidents(), self.platform.tell_people()
        untold = people.dispatches.untold(people.channels)
        facts = tuple(models_of(self.platform, ledger.opened(), now))
        troubles, blind = judged(facts, self.look_at_platform(now, untold), self.platform.settings.ui)
        looked_at = {each.model for each in facts} | {""}

        def unknown(note: Note) -> bool:
            return (note.model, note.kind) in blind or note.model not in looked_at

        done = ledger.note(lambda opened: changes(opened, troubles, unknown, self.seen))
        self.seen, self.looked_at = frozenset(each.key for each in troubles), now
        for trouble in done.begun:
            log.warning("incident_begun", model=trouble.model, kind=trouble.kind, sentence=trouble.sentence)
        for note in done.ended:
            log.info("incident_ended", model=note.model, kind=note.kind, subject=note.subject)
        return looked_at >= set(models.MODELS)

    def due(self, now: datetime) -> bool:
        return self.looked_at is None or now - self.looked_at >= LOOKS_EVERY

    def database_is(self, *, gone: bool, now: datetime) -> None:
        """Tell from memory when the database goes and when it is back: each channel once."""
        people = self.platform.ways_to_people()
        if gone != self.gone:
            self.gone, self.untold = gone, set(people)
        message = database_gone(now, self.platform.settings.ui) if gone else database_back(now)
        for name in sorted(self.untold & set(people)):
            if people[name].tell(message) is None:
                self.untold.discard(name)

    def heartbeat(self) -> None:
        """Ask the URL elsewhere. It stops when the watcher does, or when it cannot look at every model."""
        url = self.platform.settings.heartbeat_url
        if url is not None and (why := beat(url)) is not None:
            log.warning("heartbeat_not_taken", reason=why)


def watch(platform: Platform) -> None:
    """Do rounds until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, interrupted)
    watcher = Watcher(platform, LookAtPlatform(platform, os.environ.get("PREFECT_API_URL")))
    try:
        while True:
            survive(watcher)
    except KeyboardInterrupt:
        log.info("watcher_ends")
    finally:
        platform.close()


def survive(watcher: Watcher) -> None:
    """Do rounds until one fails. No error ends the watcher: nobody else would tell of it."""
    try:
        rounds(watcher)
    except StoreUnavailable as error:
        log.warning("database_gone", error=str(error))
        watcher.database_is(gone=True, now=datetime.now(UTC))
    except NightjarError as error:
        log.warning("watcher_waits", error=str(error))
    except Exception:
        log.exception("watcher_waits")
    time.sleep(ROUND_S)


def rounds(watcher: Watcher) -> None:
    platform = watcher.platform
    with listening(platform.url("writer")) as published:
        consumers, people = platform.tell_consumers(prefect_consumer(platform)), platform.tell_people()
        while True:
            one_round(watcher, consumers, people, datetime.now(UTC))
            published(ROUND_S)


def one_round(
    watcher: Watcher, consumers: Callable[[datetime], None], people: TellPeople, now: datetime
) -> None:
    watcher.database_is(gone=False, now=now)
    consumers(now)
    if watcher.due(now) and watcher.look(now):
        watcher.heartbeat()
    people(now)


def prefect_consumer(platform: Platform) -> dict[str, Consumer]:
    """The Prefect server, if PREFECT_API_URL names one."""
    api = os.environ.get("PREFECT_API_URL")
    if not api:
        return {}
    from nightjar.server.events import PrefectEvents  # noqa: PLC0415  # Prefect takes seconds

    return {"prefect": PrefectEvents(platform.settings, api)}


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt
