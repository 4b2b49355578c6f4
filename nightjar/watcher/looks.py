"""Looks at everything the rules need: the models, the disks, the database, the Prefect server."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import httpx
import structlog
from sqlalchemy import text

from db.session import translated
from nightjar.adapters.files.room import disks_of
from nightjar.core.errors.database import RightsMissing, StoreUnavailable
from nightjar.core.model.spec import ModelSpec
from nightjar.core.telling.facts import DataFacts, Fault, ModelFacts, PlatformFacts, Unseen, fault_of
from nightjar.core.telling.incidents import Incident
from nightjar.wiring.folders import Found
from nightjar.wiring.platform import NOT_THERE, Platform, lacking
from nightjar.wiring.settings import Settings

log = structlog.get_logger(__name__)

ANSWERS_WITHIN_S = 5.0
SIZES = text("SELECT pg_database_size(current_database()), pg_notification_queue_usage()")
GB = 10**9
NOTHING: Mapping[str, Fault] = {}
OF_THE_DATABASE = (StoreUnavailable, RightsMissing)
"""Errors that would stop the look at every model."""
OF_NIGHTS = frozenset({"late", "failed", "held_back"})
OF_OUTCOMES = frozenset({"outcomes_held", "outcomes_doubted"})
"""Kinds of incidents whose subject is a day that is looked at while they are open."""


def models_of(
    platform: Platform, specs: Iterable[ModelSpec], opened: Sequence[Incident], now: datetime
) -> tuple[Sequence[ModelFacts], Mapping[str, Fault]]:
    """Look at each model. Return what is known of each, and why others could not be looked at.

    One that cannot be looked at keeps its incidents, and stops no other.
    Raises StoreUnavailable and RightsMissing: they are about the database, not about a model.
    """
    found, failed = list[ModelFacts](), dict[str, Fault]()
    for spec in specs:
        nights, outcomes = (days_of(opened, spec.name, kinds) for kinds in (OF_NIGHTS, OF_OUTCOMES))
        refused = subjects_of(opened, spec.name, {"delivery_refused"})
        try:
            found.append(platform.look_at(spec)(now, nights, outcomes, refused))
        except OF_THE_DATABASE:
            raise
        except Exception as error:
            log.exception("model_not_looked_at", model=spec.name)
            failed[spec.name] = fault_of(error)
    return found, failed


def lives_here(settings: Settings) -> bool:
    """False for a watcher on a machine of its own, which has none of the platform's files."""
    return settings.data_dir is not None or (settings.home / "artifacts").exists()


def days_of(opened: Iterable[Incident], model: str, kinds: Collection[str]) -> frozenset[date]:
    """The days that open incidents of the model name."""
    return frozenset(map(date.fromisoformat, subjects_of(opened, model, kinds)))


def subjects_of(opened: Iterable[Incident], model: str, kinds: Collection[str]) -> frozenset[str]:
    began = (incident.began for incident in opened)
    return frozenset(note.subject for note in began if note.model == model and note.kind in kinds)


@dataclass
class LookAtPlatform:
    """Remembers since when the Prefect server is silent, no worker takes runs, the data folder is gone, and a
    model cannot be looked at.

    api: of the server; None if there is none.
    """

    platform: Platform
    api: str | None
    _silent_since: datetime | None = None
    _workerless_since: datetime | None = None
    _dataless_since: datetime | None = None
    _unseen_since: Mapping[str, datetime] = field(default_factory=dict[str, datetime])

    def __call__(
        self,
        now: datetime,
        untold: Mapping[str, datetime],
        channels: Collection[str] | None = None,
        found: Found | None = None,
        *,
        unseen: Mapping[str, Fault] = NOTHING,
        needs_data: bool = False,
    ) -> PlatformFacts:
        settings = self.platform.settings
        with translated(), self.platform.engine.connect() as connection:
            size, queue = connection.execute(SIZES).one()
        limit = settings.database_max_gb
        self._silent_since = None if self._answers() else self._silent_since or now
        workers = self._workers()
        self._workerless_since = (self._workerless_since or now) if workers else None
        self._unseen_since = {model: self._unseen_since.get(model, now) for model in unseen}
        data, without = settings.data, lacking(settings.data)
        self._dataless_since = (self._dataless_since or now) if without else None
        return PlatformFacts(
            now=now,
            disks=disks_of(settings.home, *(() if without else (data,))),
            data=DataFacts(
                place=str(data),
                lacking=without,
                since=self._dataless_since,
                needed=needs_data and (without != NOT_THERE or lives_here(settings)),
            ),
            database_bytes=size,
            database_limit=None if limit is None else limit * GB,
            notifications=queue,
            server_silent_since=self._silent_since,
            workers=workers,
            workerless_since=self._workerless_since,
            untold=untold,
            channels=None if channels is None else frozenset(channels),
            broken={} if found is None else found.broken,
            folders=frozenset() if found is None else found.names,
            unseen={model: Unseen(why, self._unseen_since[model]) for model, why in unseen.items()},
        )

    def forget(self) -> None:
        self._silent_since = self._workerless_since = self._dataless_since = None
        self._unseen_since = {}

    def _answers(self) -> bool:
        if self.api is None:
            return True
        try:
            return httpx.get(f"{self.api}/health", timeout=ANSWERS_WITHIN_S).is_success
        except httpx.HTTPError:
            return False

    def _workers(self) -> tuple[Fault, ...] | None:
        if self.api is None or self._silent_since is not None:
            return None
        from nightjar.server.workers import lacking_worker  # noqa: PLC0415  # Prefect takes seconds

        return lacking_worker(self.platform.settings, self.api)
