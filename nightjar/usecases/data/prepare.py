"""Bring in what nights need, and say early what cannot be scored."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from nightjar.core.errors.inputs import NoPopulation
from nightjar.core.errors.model import NoChampion
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of
from nightjar.core.ports.features import FeatureFiles, FeatureSource
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.progress import Progress, asking, silent
from nightjar.core.ports.raw import RawStore
from nightjar.core.ports.registry import Registry
from nightjar.usecases.data.features import build_features
from nightjar.usecases.data.landing import Tell, land_until, log_refusal, undelivered


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Land deliveries of a model and build its features. Only what is missing is done.

    inbox: the folder where deliveries arrive. alone: holds off other processes that do the same for the model.
    """

    spec: ModelSpec
    raw: RawStore
    feature_files: FeatureFiles
    features: FeatureSource
    registry: Registry
    inbox: Path
    alone: Callable[[], AbstractContextManager[None]]
    go_on: GoOn = unasked

    def ready(self, until: datetime, progress: Progress = silent, tell: Tell = log_refusal) -> None:
        """Land what was delivered by `until`, and build the features of it.

        A bad delivery is set aside and stops nothing here. tell: is called for each that is set aside now.
        """
        with self.alone():
            self._land(until, progress, tell)
            self._build(until, progress)

    def land(self, until: datetime, progress: Progress = silent, tell: Tell = log_refusal) -> None:
        """Land what was delivered by `until`, and build nothing of it yet."""
        with self.alone():
            self._land(until, progress, tell)

    def corrected(self, known_at: datetime | None = None, progress: Progress = silent) -> datetime:
        """Build the features of what has landed by `known_at`, corrections included, and land nothing more.

        None: of all that has landed by now. Returns that instant.
        """
        known = known_at or datetime.now(UTC).replace(microsecond=0)
        with self.alone():
            self._build(known, progress)
        return known

    def to_train(self, known_at: datetime, progress: Progress = silent) -> None:
        """Build the features of what has landed by `known_at`. Raises MissingFeatures before anything is built."""
        self.features.require(self.spec)
        self.corrected(known_at, progress)

    def undelivered(self, dates: Sequence[date], known_at: datetime | None = None) -> tuple[date, ...]:
        """The score dates that have no population. Cheap: nothing is landed or built."""
        return undelivered(self.spec, dates, raw=self.raw, inbox=self.inbox, known_at=known_at)

    def require_scorable(self, dates: Sequence[date], known_at: datetime | None = None) -> None:
        """Say at once what would end the scoring of these dates anyway, after what takes long.

        Raises NoChampion, NoPopulation where no date has one, MissingFeatures.
        """
        spec = self.spec
        if self.registry.holder(spec.name, "champion") is None:
            raise NoChampion(spec.name)
        if dates and len(self.undelivered(dates, known_at)) == len(set(dates)):
            first, last = min(dates), max(dates)
            raise NoPopulation(spec.name, first, spec.population_dataset, known_at or as_of(spec, last), 0, last)
        self.features.require(spec)

    def _land(self, until: datetime, progress: Progress, tell: Tell) -> None:
        watched = asking(progress, self.go_on)
        land_until(self.spec, raw=self.raw, inbox=self.inbox, until=until, tell=tell, progress=watched)

    def _build(self, known_at: datetime, progress: Progress) -> None:
        watched = asking(progress, self.go_on)
        build_features(self.spec, raw=self.raw, features=self.feature_files, known_at=known_at, progress=watched)
