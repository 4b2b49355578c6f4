"""Features through Feast: the models' feature services, as the registry knows them.

They come from whatever offline store feature_store.yaml names. Feast takes seconds to import, so it is
imported at the first retrieval.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import finalize

import polars as pl

from nightjar.adapters.files.damage import OF_FEATURES, naming_damage
from nightjar.adapters.files.generations import columns_in, name_read
from nightjar.core.errors.inputs import ContractBroken, MissingFeatures, NotOurStore
from nightjar.core.model.generations import FIRST, Generations
from nightjar.core.model.spec import FeatureTable, ModelSpec

if TYPE_CHECKING:
    from feast import FeatureStore

    from nightjar.adapters.feast.repo import FeastRepo, Translated

KNOWN_AT = "known_at"
"""The column of entities that says till when what was recorded counts.

It is there where that is not their `event_timestamp`.
"""

REGISTRY = "registry.db"
"""The copy of the registry as it was first read, in the source's own folder."""

ROW = "__row"
"""A column of ours beside the entity rows.

By it what comes back is put in order and counted, whatever store it went through.
"""


def apply(repo: Path, registry_url: str, feature_dir: Path, *, translated: "Translated") -> None:
    """Make Feast's registry hold what the models declare. At deploy time, never inside a flow.

    Raises BadSpec, BadSettings, UnsafeFeatureStore, StoreUnavailable.
    """
    from nightjar.adapters.feast.repo import FeastRepo  # noqa: PLC0415  # Imported here: these import Feast.

    FeastRepo(repo, registry_url, feature_dir, translated=translated).apply()


@dataclass(frozen=True)
class FeastFeatureSource:
    """The `FeatureSource` port over Feast.

    Threads may share one; the registry is read once, at the first retrieval.
    repo: the folder of feature_store.yaml. registry_url: an SQLAlchemy URL. feature_dir: where the feature
    tables lie. translated: what the registry's database says, as errors of ours. Also raises NotOurStore
    where `known_at` is not the `event_timestamp` and the store of feature_store.yaml is another than ours,
    BadSettings where nothing was ever applied, UnsafeFeatureStore, ContractBroken for entities without their
    join keys.
    """

    repo: Path
    registry_url: str = field(repr=False)
    feature_dir: Path
    translated: "Translated" = field(kw_only=True, repr=False)
    _opening: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)
    _over: "dict[str, FeatureStore]" = field(default_factory=dict, init=False, repr=False, compare=False)

    def generations(self, spec: ModelSpec) -> Generations:
        read = {table.name: name_read(self.feature_dir / table.name) for table in spec.feature_tables}
        return {table: name for table, name in read.items() if name != FIRST}

    def reading(self, generations: Generations) -> "ReadingGenerations":
        return ReadingGenerations(self, generations)

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        return self.retrieve_of(spec, entities, self.generations(spec))

    def retrieve_of(self, spec: ModelSpec, entities: pl.DataFrame, generations: Generations) -> pl.DataFrame:
        """Do `retrieve`, from these generations of the feature tables."""
        self.require(spec)
        absent = {
            table.name: self._absent(table, generations.get(table.name, FIRST))
            for table in spec.feature_tables
        }
        store = self._store_of(generations, absent)
        keys = dict.fromkeys(key for table in spec.feature_tables for key in table.keys)
        if lacking := [column for column in (*keys, "event_timestamp") if column not in entities.columns]:
            raise ContractBroken(
                f"{spec.name}: entities to find features for",
                [f"column {column} is missing" for column in lacking],
            )
        times = [column for column in ("event_timestamp", KNOWN_AT) if column in entities.columns]
        asked = entities.select(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW), *keys, *times)
        with naming_damage(self.feature_dir.rglob("*.parquet"), OF_FEATURES):
            found = self._ask(store, spec, asked).sort(ROW)
        if not found[ROW].equals(asked[ROW]):
            raise ContractBroken(
                f"Feast's offline store, asked for features of {spec.name}",
                [f"gave {found.height} rows for {asked.height} entities"],
            )
        return entities.hstack(
            found.select(
                (pl.lit(None) if name in absent[table.name] else pl.col(name)).cast(dtype).alias(name)
                for table in spec.feature_tables
                for name, dtype in table.features.items()
            )
        )

    def require(self, spec: ModelSpec) -> None:
        """Raise what `retrieve` would raise before it looks at any data."""
        with self._opening:
            served = self._served.get(spec.feature_service)
        declared = {feature for table in spec.feature_tables for feature in table.features}
        lacking = declared - (served or frozenset())
        if served is None or lacking:
            raise MissingFeatures(spec.name, sorted(lacking), spec.feature_service)

    def _absent(self, table: FeatureTable, generation: str) -> frozenset[str]:
        """The features of a table that a generation does not have. That which is read today has them all."""
        folder = self.feature_dir / table.name
        columns = () if generation == name_read(folder) else columns_in(folder / generation)
        return frozenset(table.features) - columns if columns else frozenset()

    def _store_of(self, generations: Generations, absent: Mapping[str, frozenset[str]]) -> "FeatureStore":
        """Feast over the registry as it was first read, with its views reading these generations."""
        from nightjar.adapters.feast.generations import copy_reading  # noqa: PLC0415  # as above

        key = (
            f"{sorted(generations.items())} {sorted((name, *sorted(each)) for name, each in absent.items())}"
        )
        with self._opening:
            if key not in self._over:
                copy = self._folder / f"{len(self._over)}.db"
                assert self._store is not None
                copy_reading(self._folder / REGISTRY, copy, generations, absent)
                self._over[key] = self._feast.over(copy)
            return self._over[key]

    def _ask(self, store: "FeatureStore", spec: ModelSpec, asked: pl.DataFrame) -> pl.DataFrame:
        """Our store takes and gives Polars as it is.

        Of other stores Feast promises pandas in and Arrow out, and nothing about cutoffs.
        """
        # Imported here: these import Feast.
        from nightjar.adapters.feast_polars import (  # noqa: PLC0415
            PolarsOfflineStoreConfig,
            PolarsRetrievalJob,
        )
        from nightjar.adapters.feast_polars.nullable import exact_pandas  # noqa: PLC0415  # as above
        from nightjar.adapters.feast_polars.places import UnusableSourceError  # noqa: PLC0415  # as above

        config = store.config.offline_store
        entity_df: Any = asked
        ours = isinstance(config, PolarsOfflineStoreConfig)
        if not (ours and config.known_at == KNOWN_AT) and _has_cutoffs(asked):
            raise NotOurStore(spec.name, getattr(config, "type", "none"))
        if not ours:
            entity_df = exact_pandas(
                asked.drop(KNOWN_AT, strict=False).to_arrow(compat_level=pl.CompatLevel.oldest())
            )
        try:
            service = store.get_feature_service(spec.feature_service)
            job = store.get_historical_features(entity_df, features=service)
            return job.to_polars() if isinstance(job, PolarsRetrievalJob) else pl.DataFrame(job.to_arrow())
        except UnusableSourceError as error:
            raise ContractBroken(f"features of {spec.name}", [str(error).removesuffix(".")]) from error

    @cached_property
    def _store(self) -> "FeatureStore":
        return self._feast.frozen(self._folder / REGISTRY)

    @cached_property
    def _served(self) -> dict[str, frozenset[str]]:
        """The features of each service."""
        return {
            service.name: frozenset(
                feature.name for part in service.feature_view_projections for feature in part.features
            )
            for service in self._store.list_feature_services()
        }

    @cached_property
    def _feast(self) -> "FeastRepo":
        from nightjar.adapters.feast.repo import FeastRepo  # noqa: PLC0415  # Imported here: these import Feast.

        return FeastRepo(self.repo, self.registry_url, self.feature_dir, translated=self.translated)

    @cached_property
    def _folder(self) -> Path:
        folder = Path(mkdtemp(prefix="nightjar-feast-"))
        finalize(self, rmtree, folder, ignore_errors=True)
        return folder

    def limits(self, spec: ModelSpec) -> tuple[str, ...]:  # noqa: ARG002  # the port's signature
        return ()

    def stale(self, spec: ModelSpec, as_of: datetime) -> tuple[str, ...]:  # noqa: ARG002  # the same
        return ()

    def finds_late_data(self, spec: ModelSpec) -> bool:
        return bool(spec.feature_tables)


@dataclass(frozen=True, slots=True)
class ReadingGenerations:
    """A `FeatureSource` that reads chosen generations, by `FeastFeatureSource.reading`."""

    source: FeastFeatureSource
    chosen: Generations

    def require(self, spec: ModelSpec) -> None:
        self.source.require(spec)

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        return self.source.retrieve_of(spec, entities, self.chosen)

    def generations(self, spec: ModelSpec) -> Generations:  # noqa: ARG002  # the port's signature
        return self.chosen

    def reading(self, generations: Generations) -> "ReadingGenerations":
        return self.source.reading(generations)

    def limits(self, spec: ModelSpec) -> tuple[str, ...]:
        return self.source.limits(spec)

    def stale(self, spec: ModelSpec, as_of: datetime) -> tuple[str, ...]:
        return self.source.stale(spec, as_of)

    def finds_late_data(self, spec: ModelSpec) -> bool:
        return self.source.finds_late_data(spec)


def _has_cutoffs(asked: pl.DataFrame) -> bool:
    """Whether what was recorded counts till another instant than that of the row, for any row."""
    return KNOWN_AT in asked.columns and not asked[KNOWN_AT].equals(asked["event_timestamp"])
