"""Features of our tables: the models' feature services, as Feast's registry knows them.

They come from whatever offline store feature_store.yaml names. Feast takes seconds to import, so it is
imported only where it is needed: for another store than ours, and for what only Feast can read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import polars as pl

from nightjar.adapters.feast.asking import KNOWN_AT, ROW, Retrieval, Translated
from nightjar.adapters.feast.direct import Direct
from nightjar.adapters.feast.yaml_file import FeatureStoreYaml
from nightjar.adapters.feast_polars.files import Listed, ListedOnce
from nightjar.adapters.feast_polars.places import UnusableSourceError
from nightjar.adapters.files.damage import OF_FEATURES, naming_damage
from nightjar.adapters.files.feature_tables import columns_of
from nightjar.adapters.files.generations import columns_in, name_read
from nightjar.core.errors.inputs import ContractBroken, MissingFeatures, NotOurStore
from nightjar.core.model.generations import FIRST, Generations
from nightjar.core.model.spec import FeatureTable, ModelSpec

if TYPE_CHECKING:
    from nightjar.adapters.feast.through_feast import ThroughFeast


def apply(repo: Path, registry_url: str, feature_dir: Path, *, translated: Translated) -> None:
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
    translated: Translated = field(kw_only=True, repr=False)
    _opening: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def generations(self, spec: ModelSpec) -> Generations:
        read = {table.name: name_read(self.feature_dir / table.name) for table in spec.feature_tables}
        return {table: name for table, name in read.items() if name != FIRST}

    def reading(self, generations: Generations) -> "ReadingGenerations":
        return ReadingGenerations(self, generations)

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        return self.reading(self.generations(spec)).retrieve(spec, entities)

    def retrieve_of(
        self,
        spec: ModelSpec,
        entities: pl.DataFrame,
        generations: Generations,
        absent: Mapping[str, frozenset[str]],
        listed: Listed,
    ) -> pl.DataFrame:
        """Do `retrieve`, from these generations of the feature tables.

        absent: the features of each table that its generation does not have. listed: lists a table's files.
        """
        keys = dict.fromkeys(key for table in spec.feature_tables for key in table.keys)
        if lacking := [column for column in (*keys, "event_timestamp") if column not in entities.columns]:
            raise ContractBroken(
                f"{spec.name}: entities to find features for",
                [f"column {column} is missing" for column in lacking],
            )
        times = [column for column in ("event_timestamp", KNOWN_AT) if column in entities.columns]
        asked = entities.select(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW), *keys, *times)
        with naming_damage(self.feature_dir.rglob("*.parquet"), OF_FEATURES, self._declared(spec)):
            found = self._ask(spec, asked, generations, absent, listed).sort(ROW)
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
            served = (self._direct or self._through_feast).served().get(spec.feature_service)
        declared = {feature for table in spec.feature_tables for feature in table.features}
        lacking = declared - (served or frozenset())
        if served is None or lacking:
            raise MissingFeatures(spec.name, sorted(lacking), spec.feature_service)

    def _declared(self, spec: ModelSpec) -> Callable[[Path], Mapping[str, pl.DataType]]:
        """The columns of the table that a file belongs to."""
        of_tables = {table.name: columns_of(table) for table in spec.feature_tables}
        return lambda file: of_tables.get(file.relative_to(self.feature_dir).parts[0], {})

    def absent(self, table: FeatureTable, generation: str) -> frozenset[str]:
        """The features of a table that a generation does not have. That which is read today has them all."""
        folder = self.feature_dir / table.name
        columns = () if generation == name_read(folder) else columns_in(folder / generation)
        return frozenset(table.features) - columns if columns else frozenset()

    def _ask(
        self,
        spec: ModelSpec,
        asked: pl.DataFrame,
        generations: Generations,
        absent: Mapping[str, frozenset[str]],
        listed: Listed,
    ) -> pl.DataFrame:
        retrieval = self._retrieval_of(spec)
        if not retrieval.cutoffs and _has_cutoffs(asked):
            raise NotOurStore(spec.name, retrieval.store)
        try:
            return retrieval.ask(spec, asked, generations, absent, listed)
        # Our store raises TypeError for keys and values of a type that its registry does not declare.
        except (UnusableSourceError, TypeError) as error:
            raise ContractBroken(f"features of {spec.name}", [str(error).removesuffix(".")]) from error

    def _retrieval_of(self, spec: ModelSpec) -> Retrieval:
        """Without Feast where it can be done without."""
        with self._opening:
            direct = self._direct
            return direct if direct and direct.answers(spec.feature_service) else self._through_feast

    @cached_property
    def _direct(self) -> Direct | None:
        return Direct.of(self._yaml.read(), self.repo, self.translated)

    @cached_property
    def _through_feast(self) -> "ThroughFeast":
        from nightjar.adapters.feast.through_feast import ThroughFeast  # noqa: PLC0415  # it imports Feast

        return ThroughFeast(self.repo, self.registry_url, self.feature_dir, translated=self.translated)

    @property
    def _yaml(self) -> FeatureStoreYaml:
        return FeatureStoreYaml(self.repo, self.registry_url, self.feature_dir)

    def limits(self, spec: ModelSpec) -> tuple[str, ...]:  # noqa: ARG002  # the port's signature
        return ()

    def stale(self, spec: ModelSpec, as_of: datetime) -> tuple[str, ...]:  # noqa: ARG002  # the same
        return ()

    def finds_late_data(self, spec: ModelSpec) -> bool:
        return bool(spec.feature_tables)


@dataclass(frozen=True, slots=True)
class ReadingGenerations:
    """A `FeatureSource` that reads chosen generations, by `FeastFeatureSource.reading`.

    It reads what the folders held when it was first asked. Threads may share one.
    """

    source: FeastFeatureSource
    chosen: Generations
    _listed: Listed = field(default_factory=ListedOnce, init=False, repr=False, compare=False)
    _absent: dict[str, frozenset[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def require(self, spec: ModelSpec) -> None:
        self.source.require(spec)

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        self.require(spec)
        absent = {table.name: self._absent_of(table) for table in spec.feature_tables}
        return self.source.retrieve_of(spec, entities, self.chosen, absent, self._listed)

    def _absent_of(self, table: FeatureTable) -> frozenset[str]:
        if table.name not in self._absent:
            self._absent[table.name] = self.source.absent(table, self.chosen.get(table.name, FIRST))
        return self._absent[table.name]

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
