"""The rounds of the watcher: look, note what begins, changes and ends, tell, and wait for a publication."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Thread

import structlog

from db.listening import listening
from nightjar.adapters.notify.heartbeat import beat
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.ports.telling import Consumer
from nightjar.core.telling.decisions import decided
from nightjar.core.telling.facts import fault_of
from nightjar.core.telling.incidents import ENDS, Changes, Ending, Incident, Key, Note, Step, changes
from nightjar.core.telling.retrying import pauses
from nightjar.core.telling.rules import UNTOLD_FOR, judged, undecided, why_unmended
from nightjar.usecases.telling.incidents import TellPeople
from nightjar.watcher.looks import LookAtPlatform, models_of
from nightjar.watcher.outage import Outage
from nightjar.wiring.folders import ModelFolders
from nightjar.wiring.platform import Platform

log = structlog.get_logger(__name__)

ROUND_S = 5.0
"""The longest time between two rounds: what did not arrive is due again after as long."""
LOOKS_EVERY = timedelta(minutes=1)
ROUND_ENDS_WITHIN = timedelta(minutes=2)
"""A round takes seconds, and some more for receivers that do not answer. One that lasts longer waits for a
server that hangs: it neither answers nor closes the connection, so no error ends the wait.
"""


def now_utc() -> datetime:
    return datetime.now(UTC)


@dataclass
class Watcher:
    """What a watcher remembers between rounds.

    leads: True if it looks, False if it stands by, because another one looks; None before it has asked.
    seen: the troubles of its last look; None before the first, which ends nothing. went_on_at: when its
    newest round began, or failed.
    """

    platform: Platform
    look_at_platform: LookAtPlatform
    outage: Outage
    leads: bool | None = None
    seen: frozenset[Key] | None = None
    looked_at: datetime | None = None
    went_on_at: datetime = field(default_factory=now_utc)
    folders: ModelFolders = field(default_factory=ModelFolders)

    def lead(self, leads: bool) -> None:
        """Look from now on, or stand by. What it saw is no longer true when it leads again."""
        if leads != self.leads:
            log.info("watcher_leads" if leads else "watcher_stands_by")
        self.leads = leads
        if not leads:
            self.seen = self.looked_at = None
            self.look_at_platform.forget()

    def look(self, now: datetime) -> bool:
        """Note what has begun, changed and ended since the last look.

        Return True if every model was looked at, and if somebody can be told.
        """
        ledger, people = self.platform.incidents(), self.platform.tell_people()
        channels = [*people.channels, *self.platform.webhooks()]
        untold = people.dispatches.untold(channels)
        opened, found = ledger.opened(), self.folders.now()
        facts, failed = models_of(self.platform, found.specs.values(), opened, now)
        unseen = {**found.outdated, **failed}
        needs_data = any(each.trained_on_files for each in facts)
        platform = self.look_at_platform(now, untold, channels, found, unseen=unseen, needs_data=needs_data)
        troubles, blind = judged(facts, platform, self.platform.settings.ui)
        without_facts = found.names - {each.model for each in facts}
        seen = frozenset(each.began.key for each in opened) if self.seen is None else self.seen

        def unknown(note: Note) -> bool:
            return (
                (note.model, note.kind) in blind
                or note.model in without_facts
                or undecided(facts, platform, note)
            )

        def why(incident: Incident) -> Ending:
            return Ending(why_unmended(facts, platform, incident.now), decided(facts, incident.began))

        done = ledger.note(lambda opened: changes(opened, troubles, now, unknown=unknown, seen=seen, why=why))
        self.seen, self.looked_at = frozenset(each.key for each in troubles), now
        _logged(done)
        deaf = {name for name, since in untold.items() if now - since > UNTOLD_FOR}
        return not unseen and (not people.channels or not deaf >= set(people.channels))

    def due(self, now: datetime) -> bool:
        return self.leads is True and (self.looked_at is None or not pauses(self.looked_at, now, LOOKS_EVERY))

    def tell_if_stuck(self, now: datetime) -> None:
        """Tell of a round that does not end. Safe while another thread does the rounds."""
        if now - self.went_on_at > ROUND_ENDS_WITHIN:
            minutes = ROUND_ENDS_WITHIN.total_seconds() / 60
            self.outage.goes_on(
                now, f"It has waited {minutes:g} minutes for an answer.", StoreUnavailable.runbook
            )

    def heartbeat(self) -> None:
        """Ask the URL elsewhere. It stops with the watcher, with a look at a model, or with all receivers."""
        url = self.platform.settings.heartbeat_url
        if url is not None and (why := beat(url)) is not None:
            log.warning("heartbeat_not_taken", reason=why)


def _logged(done: Changes) -> None:
    for trouble in done.begun:
        log.warning("incident_begun", model=trouble.model, kind=trouble.kind, sentence=trouble.sentence)
    for each in done.further:
        of = each.trouble
        if each.step is Step.CHANGED:
            log.warning("incident_changed", model=of.model, kind=of.kind, sentence=of.sentence)
        if each.step in ENDS:
            log.info("incident_ended", model=of.model, kind=of.kind, subject=of.subject, why=each.why)


def watch(platform: Platform) -> None:
    """Do rounds until Ctrl-C or SIGTERM, in a thread of their own: a server that hangs stops only that."""
    signal.signal(signal.SIGTERM, interrupted)
    watcher = watcher_of(platform, os.environ.get("PREFECT_API_URL"))
    Thread(target=rounds_without_end, args=[watcher], daemon=True).start()
    try:
        while True:
            time.sleep(ROUND_S)
            watcher.tell_if_stuck(now_utc())
    except KeyboardInterrupt:
        log.info("watcher_ends")
    finally:
        platform.close()


def rounds_without_end(watcher: Watcher) -> None:
    while True:
        survive(watcher)
        time.sleep(ROUND_S)


def watcher_of(platform: Platform, api: str | None) -> Watcher:
    """api: of the Prefect server; None if there is none."""
    outage = Outage(platform.ways_to_people, platform.settings.ui)
    return Watcher(platform, LookAtPlatform(platform, api), outage)


def survive(watcher: Watcher) -> None:
    """Do rounds until one fails. No error ends the watcher: nobody else would tell of it."""
    try:
        rounds(watcher)
    except Exception as error:
        if isinstance(error, NightjarError):
            log.warning("watcher_waits", error=str(error))
        else:
            log.exception("watcher_waits")
        why = fault_of(error)
        watcher.outage.goes_on(now_utc(), why.told, why.runbook)
    watcher.went_on_at = now_utc()


def rounds(watcher: Watcher) -> None:
    platform = watcher.platform
    with listening(platform.url("writer")) as listener:
        consumers, people = platform.tell_consumers(prefect_consumer(platform)), platform.tell_people()
        while True:
            watcher.went_on_at = now_utc()
            watcher.lead(listener.leads())
            one_round(watcher, consumers, people, watcher.went_on_at)
            listener.published(ROUND_S)


def one_round(
    watcher: Watcher, consumers: Callable[[datetime], None], people: TellPeople, now: datetime
) -> None:
    consumers(now)
    if watcher.due(now) and watcher.look(now):
        watcher.heartbeat()
    people(now)
    watcher.outage.is_over(now)


def prefect_consumer(platform: Platform) -> dict[str, Consumer]:
    """The Prefect server, if PREFECT_API_URL names one."""
    api = os.environ.get("PREFECT_API_URL")
    if not api:
        return {}
    from nightjar.server.events import PrefectEvents  # noqa: PLC0415  # Prefect takes seconds

    return {"prefect": PrefectEvents(platform.settings, api)}


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt
