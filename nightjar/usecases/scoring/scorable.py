"""Check early for errors that would end the scoring of some dates after the slow steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from nightjar.core.errors.model import NoChampion
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of
from nightjar.core.night.windows import no_population
from nightjar.core.ports.features import FeatureSource
from nightjar.core.ports.registry import Registry

Undelivered = Callable[[Sequence[date], datetime | None], tuple[date, ...]]
"""Returns the score dates without a population, as known at an instant or by now."""


@dataclass(frozen=True, slots=True)
class RequireScorable:
    spec: ModelSpec
    undelivered: Undelivered
    registry: Registry
    features: FeatureSource

    def __call__(self, dates: Sequence[date], known_at: datetime | None = None) -> None:
        """Raises NoChampion, MissingFeatures, and NoPopulation if no date has a population.

        Nothing is landed or built.
        """
        spec = self.spec
        if self.registry.holder(spec.name, "champion") is None:
            raise NoChampion(spec.name)
        if dates and len(self.undelivered(dates, known_at)) == len(set(dates)):
            first, last = min(dates), max(dates)
            raise no_population(spec, first, known_at or as_of(spec, last), last=last)
        self.features.require(spec)
