"""Features of our tables through Feast, from whatever offline store feature_store.yaml names.

Imports Feast, which takes seconds: import this module where it is first needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock
from typing import Any
from weakref import finalize

import polars as pl
from feast import FeatureStore

from nightjar.adapters.feast.asking import KNOWN_AT, Translated
from nightjar.adapters.feast.generations import copy_reading
from nightjar.adapters.feast.repo import FeastRepo
from nightjar.adapters.feast_polars import PolarsOfflineStoreConfig, PolarsRetrievalJob
from nightjar.adapters.feast_polars.files import Listed, Listing
from nightjar.adapters.feast_polars.nullable import exact_pandas
from nightjar.core.model.generations import Generations
from nightjar.core.model.spec import ModelSpec

REGISTRY = "registry.db"
"""The copy of the registry as it was first read, in a folder of its own."""


@dataclass(frozen=True)
class ThroughFeast:
    """Implements Retrieval, over copies of the registry. The fields are those of a FeastRepo."""

    folder: Path
    registry_url: str = field(repr=False)
    feature_dir: Path
    translated: Translated = field(kw_only=True, repr=False)
    _opening: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)
    _over: dict[str, FeatureStore] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def store(self) -> str:
        return getattr(self._settings, "type", "none")

    @property
    def cutoffs(self) -> bool:
        settings = self._settings
        return isinstance(settings, PolarsOfflineStoreConfig) and settings.known_at == KNOWN_AT

    def served(self) -> dict[str, frozenset[str]]:
        return {
            service.name: frozenset(
                feature.name for part in service.feature_view_projections for feature in part.features
            )
            for service in self._live.list_feature_services()
        }

    def ask(
        self,
        spec: ModelSpec,
        asked: pl.DataFrame,
        generations: Generations,
        absent: Mapping[str, frozenset[str]],
        listed: Listed = Listing.of,  # noqa: ARG002  # Feast's stores list by themselves
    ) -> pl.DataFrame:
        """Our store takes and gives Polars as it is.

        Of other stores Feast promises pandas in and Arrow out, and nothing about cutoffs.
        """
        store = self._store_of(generations, absent)
        entity_df: Any = asked
        if not isinstance(self._settings, PolarsOfflineStoreConfig):
            entity_df = exact_pandas(
                asked.drop(KNOWN_AT, strict=False).to_arrow(compat_level=pl.CompatLevel.oldest())
            )
        service = store.get_feature_service(spec.feature_service)
        job = store.get_historical_features(entity_df, features=service)
        return job.to_polars() if isinstance(job, PolarsRetrievalJob) else pl.DataFrame(job.to_arrow())

    def _store_of(self, generations: Generations, absent: Mapping[str, frozenset[str]]) -> FeatureStore:
        """Feast over the registry as it was first read, with its views reading these generations."""
        key = (
            f"{sorted(generations.items())} {sorted((name, *sorted(each)) for name, each in absent.items())}"
        )
        with self._opening:
            if key not in self._over:
                assert self._live  # it makes the first copy
                copy = self._copies / f"{len(self._over)}.db"
                copy_reading(self._copies / REGISTRY, copy, generations, absent)
                self._over[key] = self._repo.over(copy)
            return self._over[key]

    @property
    def _settings(self) -> Any:
        with self._opening:
            return self._live.config.offline_store

    @cached_property
    def _live(self) -> FeatureStore:
        return self._repo.frozen(self._copies / REGISTRY)

    @cached_property
    def _repo(self) -> FeastRepo:
        return FeastRepo(self.folder, self.registry_url, self.feature_dir, translated=self.translated)

    @cached_property
    def _copies(self) -> Path:
        folder = Path(mkdtemp(prefix="nightjar-feast-"))
        finalize(self, rmtree, folder, ignore_errors=True)
        return folder
