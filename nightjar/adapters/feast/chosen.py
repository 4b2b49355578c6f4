"""Features of every model: from our tables, or from the Feast service that its spec names."""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

import polars as pl

from nightjar.adapters.feast.source import FeastFeatureSource, ReadingGenerations
from nightjar.core.model.generations import Generations
from nightjar.core.model.spec import FeastService, ModelSpec

if TYPE_CHECKING:
    from nightjar.adapters.feast.services import ServiceFeatures


@dataclass(frozen=True)
class ChosenFeatures:
    """The `FeatureSource` port for all models. ours: of the models with feature tables.

    Each other repository is opened once, at the first use.
    """

    ours: FeastFeatureSource
    _others: "dict[FeastService, ServiceFeatures]" = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _opening: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def require(self, spec: ModelSpec) -> None:
        self._of(spec).require(spec)

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        return self._of(spec).retrieve(spec, entities)

    def generations(self, spec: ModelSpec) -> Generations:
        return self.ours.generations(spec)

    def reading(self, generations: Generations) -> ReadingGenerations:
        return self.ours.reading(generations)

    def limits(self, spec: ModelSpec) -> tuple[str, ...]:
        return self._of(spec).limits(spec)

    def stale(self, spec: ModelSpec, as_of: datetime) -> tuple[str, ...]:
        return self._of(spec).stale(spec, as_of)

    def finds_late_data(self, spec: ModelSpec) -> bool:
        return self._of(spec).finds_late_data(spec)

    def _of(self, spec: ModelSpec) -> "FeastFeatureSource | ServiceFeatures":
        if spec.features is None:
            return self.ours
        from nightjar.adapters.feast.services import ServiceFeatures  # noqa: PLC0415  # it imports Feast

        with self._opening:
            return self._others.setdefault(spec.features, ServiceFeatures(spec.features))
