"""Features through Feast: the models' feature services, as the registry knows them.

They come from whatever offline store feature_store.yaml names. Feast takes seconds to import, so it is
imported at the first retrieval.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import finalize

import polars as pl

from nightjar.adapters.files.damage import OF_FEATURES, naming_damage
from nightjar.core.errors.inputs import ContractBroken, MissingFeatures, NotOurStore
from nightjar.core.model.spec import ModelSpec

if TYPE_CHECKING:
    from feast import FeatureService, FeatureStore

    from nightjar.adapters.feast.repo import Translated

KNOWN_AT = "known_at"
"""The column of entities that says till when what was recorded counts.

It is there where that is not their `event_timestamp`.
"""

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

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        service = self._service(spec)
        keys = dict.fromkeys(key for table in spec.feature_tables for key in table.keys)
        if lacking := [column for column in (*keys, "event_timestamp") if column not in entities.columns]:
            raise ContractBroken(
                f"{spec.name}: entities to find features for",
                [f"column {column} is missing" for column in lacking],
            )
        times = [column for column in ("event_timestamp", KNOWN_AT) if column in entities.columns]
        asked = entities.select(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW), *keys, *times)
        with naming_damage(self.feature_dir.rglob("*.parquet"), OF_FEATURES):
            found = self._ask(spec.name, asked, service).sort(ROW)
        if not found[ROW].equals(asked[ROW]):
            raise ContractBroken(
                f"Feast's offline store, asked for features of {spec.name}",
                [f"gave {found.height} rows for {asked.height} entities"],
            )
        return entities.hstack(
            found.select(
                pl.col(name).cast(dtype)
                for table in spec.feature_tables
                for name, dtype in table.features.items()
            )
        )

    def require(self, spec: ModelSpec) -> None:
        """Raise what `retrieve` would raise before it looks at any data."""
        self._service(spec)

    def _ask(self, model: str, asked: pl.DataFrame, service: "FeatureService") -> pl.DataFrame:
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

        store = self._store.config.offline_store
        entity_df: Any = asked
        ours = isinstance(store, PolarsOfflineStoreConfig)
        if not (ours and store.known_at == KNOWN_AT) and _has_cutoffs(asked):
            raise NotOurStore(model, getattr(store, "type", "none"))
        if not ours:
            entity_df = exact_pandas(
                asked.drop(KNOWN_AT, strict=False).to_arrow(compat_level=pl.CompatLevel.oldest())
            )
        try:
            job = self._store.get_historical_features(entity_df, features=service)
            return job.to_polars() if isinstance(job, PolarsRetrievalJob) else pl.DataFrame(job.to_arrow())
        except UnusableSourceError as error:
            raise ContractBroken(f"features of {model}", [str(error).removesuffix(".")]) from error

    def _service(self, spec: ModelSpec) -> "FeatureService":
        """The model's feature service.

        Raises MissingFeatures if it is not there, or lacks what the spec declares.
        """
        with self._opening:
            services = {service.name: service for service in self._store.list_feature_services()}
        declared = {feature for table in spec.feature_tables for feature in table.features}
        service = services.get(spec.feature_service)
        served = (
            {
                feature.name
                for projection in service.feature_view_projections
                for feature in projection.features
            }
            if service
            else set()
        )
        if service is None or declared - served:
            raise MissingFeatures(spec.name, sorted(declared - served), spec.feature_service)
        return service

    @cached_property
    def _store(self) -> "FeatureStore":
        from nightjar.adapters.feast.repo import FeastRepo  # noqa: PLC0415  # Imported here: these import Feast.

        folder = Path(mkdtemp(prefix="nightjar-feast-"))
        finalize(self, rmtree, folder, ignore_errors=True)
        return FeastRepo(self.repo, self.registry_url, self.feature_dir, translated=self.translated).frozen(
            folder / "registry.db"
        )


def _has_cutoffs(asked: pl.DataFrame) -> bool:
    """Whether what was recorded counts till another instant than that of the row, for any row."""
    return KNOWN_AT in asked.columns and not asked[KNOWN_AT].equals(asked["event_timestamp"])
