"""Check early for errors that would end the scoring of some dates after the slow steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from nightjar.core.errors.model import NoHonestChampion
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of, night_of
from nightjar.core.night.windows import no_population
from nightjar.core.ports.features import FeatureSource
from nightjar.core.ports.registry import Registry
from nightjar.usecases.scoring.scorers import Choose, no_champion

Undelivered = Callable[[Sequence[date], datetime | None], tuple[date, ...]]
"""Returns the score dates without a population, as known at an instant or by now."""


@dataclass(frozen=True, slots=True)
class RequireScorable:
    spec: ModelSpec
    undelivered: Undelivered
    registry: Registry
    features: FeatureSource

    def __call__(self, dates: Sequence[date], choose: Choose, known_at: datetime | None = None) -> None:
        """Raises NoChampion, NoVersion, GateFailed, MissingFeatures.

        Raises NoHonestChampion if no date has a version that could score it, and NoPopulation if none has a
        population. Nothing is landed or built.
        choose: the versions that score each date.
        """
        spec = self.spec
        if self.registry.holder(spec.name, "champion") is None:
            raise no_champion(self.registry, spec.name)
        if dates and len(self.undelivered(dates, known_at)) == len(set(dates)):
            first, last = min(dates), max(dates)
            raise no_population(spec, first, known_at or as_of(spec, last), last=last)
        self._require_scorers(sorted(set(dates), reverse=True), choose)
        self.features.require(spec)

    def _require_scorers(self, newest_first: Sequence[date], choose: Choose) -> None:
        """Return at the first date that some version can score."""
        refused: NoHonestChampion | None = None
        for day in newest_first:
            try:
                choose(self.registry, night_of(self.spec, day))
            except NoHonestChampion as error:
                refused = error
            else:
                return
        if refused is not None:
            raise refused
