"""Say at once what would end the scoring of some dates anyway, after what takes long."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from nightjar.core.errors.inputs import NoPopulation
from nightjar.core.errors.model import NoChampion
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of
from nightjar.core.ports.features import FeatureSource
from nightjar.core.ports.registry import Registry

Undelivered = Callable[[Sequence[date], datetime | None], tuple[date, ...]]
"""Which score dates have no population, as known at an instant or by now."""


@dataclass(frozen=True, slots=True)
class RequireScorable:
    spec: ModelSpec
    undelivered: Undelivered
    registry: Registry
    features: FeatureSource

    def __call__(self, dates: Sequence[date], known_at: datetime | None = None) -> None:
        """Raises NoChampion, NoPopulation where no date has one, MissingFeatures.

        Lands and builds nothing.
        """
        spec = self.spec
        if self.registry.holder(spec.name, "champion") is None:
            raise NoChampion(spec.name)
        if dates and len(self.undelivered(dates, known_at)) == len(set(dates)):
            first, last = min(dates), max(dates)
            raise NoPopulation(
                spec.name, first, spec.population_dataset, known_at or as_of(spec, last), 0, last
            )
        self.features.require(spec)
