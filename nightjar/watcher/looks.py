"""Looks at everything the rules need: the models, the disks, the database, the Prefect server."""

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import httpx
import structlog
from sqlalchemy import text

from db.session import translated
from nightjar.core.errors.database import RightsMissing, StoreUnavailable
from nightjar.core.model.spec import ModelSpec
from nightjar.core.telling.facts import DiskFacts, ModelFacts, PlatformFacts
from nightjar.core.telling.incidents import Incident
from nightjar.wiring.platform import Platform

log = structlog.get_logger(__name__)

ANSWERS_WITHIN_S = 5.0
SIZES = text("SELECT pg_database_size(current_database()), pg_notification_queue_usage()")
GB = 10**9
OF_THE_DATABASE = (StoreUnavailable, RightsMissing)
"""Errors that would stop the look at every model."""
OF_NIGHTS = frozenset({"late", "failed", "held_back"})
OF_OUTCOMES = frozenset({"outcomes_held", "outcomes_doubted"})
"""Kinds of incidents whose subject is a day that is looked at while they are open."""


def models_of(
    platform: Platform, specs: Iterable[ModelSpec], opened: Sequence[Incident], now: datetime
) -> Iterator[ModelFacts]:
    """Look at each model. One that cannot be looked at keeps its incidents, and stops no other.

    Raises StoreUnavailable and RightsMissing: they are about the database, not about a model.
    """
    for spec in specs:
        nights, outcomes = (days_of(opened, spec.name, kinds) for kinds in (OF_NIGHTS, OF_OUTCOMES))
        try:
            yield platform.look_at(spec)(now, nights, outcomes)
        except OF_THE_DATABASE:
            raise
        except Exception:
            log.exception("model_not_looked_at", model=spec.name)


def days_of(opened: Iterable[Incident], model: str, kinds: Collection[str]) -> frozenset[date]:
    """The days that open incidents of the model name."""
    began = (incident.began for incident in opened)
    return frozenset(
        date.fromisoformat(note.subject) for note in began if note.model == model and note.kind in kinds
    )


@dataclass
class LookAtPlatform:
    """Remembers since when the Prefect server is silent, and since when no worker takes runs.

    api: of the server; None if there is none.
    """

    platform: Platform
    api: str | None
    _silent_since: datetime | None = None
    _workerless_since: datetime | None = None

    def __call__(
        self,
        now: datetime,
        untold: Mapping[str, datetime],
        channels: Collection[str] | None = None,
        broken: Mapping[str, str] | None = None,
    ) -> PlatformFacts:
        settings = self.platform.settings
        with translated(), self.platform.engine.connect() as connection:
            size, queue = connection.execute(SIZES).one()
        limit = settings.database_max_gb
        self._silent_since = None if self._answers() else self._silent_since or now
        worker = self._worker()
        self._workerless_since = (self._workerless_since or now) if worker else None
        return PlatformFacts(
            now=now,
            disks=tuple(self._disks()),
            database_bytes=size,
            database_limit=None if limit is None else limit * GB,
            notifications=queue,
            server_silent_since=self._silent_since,
            worker=worker,
            workerless_since=self._workerless_since,
            untold=untold,
            channels=None if channels is None else frozenset(channels),
            broken=broken or {},
        )

    def forget(self) -> None:
        self._silent_since = self._workerless_since = None

    def _disks(self) -> Iterator[DiskFacts]:
        """The disk of the home, and that of the data if it is another."""
        seen = set[int]()
        for place in (self.platform.settings.home, self.platform.settings.data):
            if place.exists() and (disk := place.stat().st_dev) not in seen:
                seen.add(disk)
                usage = shutil.disk_usage(place)
                yield DiskFacts(str(place), usage.free, usage.total)

    def _answers(self) -> bool:
        if self.api is None:
            return True
        try:
            return httpx.get(f"{self.api}/health", timeout=ANSWERS_WITHIN_S).is_success
        except httpx.HTTPError:
            return False

    def _worker(self) -> str | None:
        if self.api is None or self._silent_since is not None:
            return None
        from nightjar.server.workers import lacking_worker  # noqa: PLC0415  # Prefect takes seconds

        return lacking_worker(self.platform.settings, self.api)
