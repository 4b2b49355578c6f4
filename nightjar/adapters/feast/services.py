"""Features of a FeatureService in a Feast repository that is not ours. It is only read.

Imports Feast, which takes seconds: import this module where it is first needed.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import RLock
from traceback import extract_tb
from typing import Any
from warnings import catch_warnings
from weakref import finalize

import polars as pl
import psycopg
import yaml
from feast import FeatureService, FeatureStore
from feast.base_feature_view import BaseFeatureView
from feast.errors import FeastError
from feast.feature_view import DUMMY_ENTITY_ID, FeatureView
from feast.feature_view_projection import FeatureViewProjection
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.repo_config import RepoConfig

from nightjar.adapters.feast.ages import has_row
from nightjar.adapters.feast.asking import KNOWN_AT, ROW
from nightjar.adapters.feast.generations import changed
from nightjar.adapters.feast_polars import PolarsOfflineStoreConfig
from nightjar.adapters.feast_polars.declared import polars_type
from nightjar.adapters.feast_polars.nullable import exact_pandas
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import ContractBroken, MissingFeatures, ServiceMissing, ServiceUnreadable
from nightjar.core.errors.model import BadSpec
from nightjar.core.model.spec import FeastService, ModelSpec

OURS = "nightjar.adapters.feast_polars.PolarsOfflineStore"
HOUR = timedelta(hours=1)
LASTING = (
    *(FileNotFoundError, FeastError, ValueError, LookupError, TypeError, AttributeError, ImportError),
    *(AssertionError, psycopg.ProgrammingError),
)
"""Errors of a declaration, a file or an installation. UnusableSourceError of our store is a ValueError.

Feast asserts that a source fits the store. A ProgrammingError is a missing table, column or right.
"""
LOSES_ROWS = frozenset({"file", "dask", "feast.infra.offline_stores.file.FileOfflineStore"})
"""Feast's default store drops entity rows without an error. Our store reads the same files."""


@dataclass(frozen=True)
class ServiceFeatures:
    """The features of one FeatureService, as the repository's own offline store gives them.

    The registry is read once, at the first retrieval, into a copy of ours. Where the repository names Feast's
    default store, our store reads its files. Threads may share one.
    """

    named: FeastService
    _opening: RLock = field(default_factory=RLock, init=False, repr=False, compare=False)
    _parts: "dict[tuple[str, ...], Used]" = field(default_factory=dict, init=False, repr=False, compare=False)

    def require(self, spec: ModelSpec) -> None:
        """Read the registry, and a moment of each view that gives inputs.

        Raises ServiceUnreadable, ServiceMissing, StoreUnavailable. Raises BadSpec as `stale` does.
        """
        self._limited(spec)
        now = datetime.now(UTC)
        for view in self._views(spec):
            self._has_row(view, now - timedelta(minutes=1), now)

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        """Do what the port `FeatureSource` says, as far as `limits` allows it.

        Raises MissingFeatures for inputs that neither the service nor the population has.
        Raises ContractBroken for a population without the columns that the service needs, or with others.
        Raises ServiceUnreadable, ServiceMissing, StoreUnavailable.
        """
        used = self._used(spec)
        times = ["event_timestamp", *([KNOWN_AT] if KNOWN_AT in entities.columns and self.cutoffs else [])]
        asked = self._asked(spec, used, entities, times)
        once = asked.unique(maintain_order=True).with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
        numbers = asked.join(once, on=asked.columns, how="left", nulls_equal=True, maintain_order="left")[ROW]
        gives = _declared(used, spec.inputs)
        # Some stores cannot be asked for no rows: they find out types from values.
        found = (
            pl.DataFrame(schema={ROW: pl.Int64(), **gives})
            if once.is_empty()
            else self._found(spec, used, once)
        )
        return entities.hstack(
            found.select(pl.col(name).cast(dtype).gather(numbers) for name, dtype in gives.items())
        )

    def limits(self, spec: ModelSpec) -> tuple[str, ...]:
        """What the store behind the service cannot answer, a sentence each."""
        return tuple(self._limits(spec))

    def stale(self, spec: ModelSpec, as_of: datetime) -> tuple[str, ...]:
        return tuple(
            f"feature view {view.name} has no row of the last {age / HOUR:g} h before the as-of, its max_age"
            for view, age in self._limited(spec)
            if not self._has_row(view, as_of - age, as_of)
        )

    def _limited(self, spec: ModelSpec) -> tuple[tuple[FeatureView, timedelta], ...]:
        """The views with a `max_age`. Raises BadSpec for one that gives no input."""
        limits, views = self.named.max_age, self._views(spec)
        if unknown := sorted(set(limits) - {view.name for view in views}):
            known = [view.name for view in views]
            problem = f"has a max_age for {unknown}, and the views that give inputs are {known}"
            raise BadSpec(spec.name, "features", problem)
        return tuple((view, limits[view.name]) for view in views if view.name in limits)

    def _has_row(self, view: FeatureView, first: datetime, last: datetime) -> bool:
        with _asking(self.named):
            return has_row(self._store, view, first, last, by_created=self.named.known_by_created)

    def finds_late_data(self, spec: ModelSpec) -> bool:
        return self.cutoffs and all(
            view.batch_source is not None and view.batch_source.created_timestamp_column
            for view in self._views(spec)
        )

    @cached_property
    def cutoffs(self) -> bool:
        """True if the store can tell what was recorded till another instant than that of the row."""
        store = self._store.config.offline_store
        ours = isinstance(store, PolarsOfflineStoreConfig) and store.known_at == KNOWN_AT
        return ours and self.named.known_by_created

    @cached_property
    def kind(self) -> str:
        """The type of the offline store, as feature_store.yaml names it."""
        store = self._written.get("offline_store")
        return str(store.get("type")) if isinstance(store, dict) else str(store or "file")

    def _limits(self, spec: ModelSpec) -> Iterator[str]:
        if self.kind in LOSES_ROWS:
            yield f"its offline store {self.kind!r} drops rows, so our store reads its files"
        for view in self._views(spec):
            if view.name not in self.named.max_age:
                still = f"for {view.ttl / HOUR:g} h" if view.ttl else "for ever"
                yield f"feature view {view.name} has no max_age: if its feed stops, its rows count {still}"
        if not self.named.known_by_created:
            yield "known_by_created is off: a row counts from its event on, whenever it was recorded"
            return
        if not self._filters_by_created:
            yield f"its offline store {self.kind!r} cannot leave out rows that were recorded after a night"
        if not self.cutoffs:
            yield f"its offline store {self.kind!r} cannot tell what late data changed for past nights"
        for view in self._views(spec):
            if view.batch_source is None or not view.batch_source.created_timestamp_column:
                yield f"feature view {view.name} has no created column: late rows count as known at once"

    def _found(self, spec: ModelSpec, used: "Used", once: pl.DataFrame) -> pl.DataFrame:
        entity_df: Any = once
        if not isinstance(self._store.config.offline_store, PolarsOfflineStoreConfig):
            entity_df = exact_pandas(once.to_arrow(compat_level=pl.CompatLevel.oldest()))
        by_created = self.named.known_by_created and self._filters_by_created
        with _asking(self.named):
            job = self._store.get_historical_features(
                entity_df, features=used.service, filter_by_created_timestamp=by_created
            )
            found = pl.DataFrame(job.to_arrow()).sort(ROW)
        if not found[ROW].equals(once[ROW]):
            where = f"{self.kind!r}, the offline store of {self.named.repo}, for {spec.name}"
            raise ContractBroken(where, [f"gave {found.height} rows for {once.height} entities"])
        return found

    def _asked(
        self, spec: ModelSpec, used: "Used", entities: pl.DataFrame, times: Sequence[str]
    ) -> pl.DataFrame:
        """The columns of the population that the service needs, in the types that it declares."""
        columns = used.needs
        given = {feature.name for part in used.service.feature_view_projections for feature in part.features}
        if lacking := set(spec.inputs) - given - set(entities.columns):
            raise MissingFeatures(spec.name, sorted(lacking), self.named.service, self.named.repo)
        faults = [f"column {name} is missing" for name in (*columns, *times) if name not in entities.columns]
        faults += [
            f"column {name} is {entities.schema[name]}, and the feature service has it as {dtype}"
            for name, dtype in columns.items()
            if name in entities.columns and not _may_be(entities.schema[name], dtype)
        ]
        faults += [
            f"column {name} is a feature of the service too; rename it in the population"
            for name in spec.inputs
            if name in given and name in entities.columns
        ]
        if not used.service.feature_view_projections:
            faults.append(f"no feature of the service is one of the model's inputs {', '.join(spec.inputs)}")
        if faults:
            raise ContractBroken(f"{spec.name}: population, for feature service {self.named.service}", faults)
        return entities.select(*(pl.col(name).cast(dtype) for name, dtype in columns.items()), *times)

    def _used(self, spec: ModelSpec) -> "Used":
        """The part of the service that gives inputs of the model. It is made once."""
        with self._opening:
            if spec.inputs not in self._parts:
                self._parts[spec.inputs] = self._part(spec)
            return self._parts[spec.inputs]

    def _part(self, spec: ModelSpec) -> "Used":
        service = copy(self._service(spec))
        service.feature_view_projections = [
            part
            for whole in service.feature_view_projections
            if (part := self._only(whole, spec.inputs)).features
        ]
        views = [(self._view(part), part) for part in service.feature_view_projections]
        needs: dict[str, pl.DataType] = {}
        for view, part in views:
            needs |= self._needs(view, part)
        # Feast asks for the features that the registry has under the service's name.
        service.name = f"{service.name}: {', '.join(spec.inputs)}"
        self._store.registry.apply_feature_service(service, self._store.project)
        return Used(service, needs)

    def _only(self, whole: FeatureViewProjection, inputs: Sequence[str]) -> FeatureViewProjection:
        """The part of a view that gives inputs. A view on demand is computed as a whole or not at all."""
        part = copy(whole)
        part.features = [feature for feature in whole.features if feature.name in inputs]
        return whole if part.features and isinstance(self._view(whole), OnDemandFeatureView) else part

    def _needs(self, view: BaseFeatureView, part: FeatureViewProjection) -> dict[str, pl.DataType]:
        """Join keys of a view and values that come with a request, with their types."""
        if isinstance(view, OnDemandFeatureView):
            needs = {
                field.name: polars_type(field.dtype)
                for source in view.source_request_sources.values()
                for field in source.schema
            }
            for source in view.source_feature_view_projections.values():
                needs |= self._needs(self._view(source), source)
            return needs
        assert isinstance(view, FeatureView)
        return {
            part.join_key_map.get(column.name, column.name): polars_type(column.dtype)
            for column in view.entity_columns
            if column.name != DUMMY_ENTITY_ID
        }

    def _views(self, spec: ModelSpec) -> list[FeatureView]:
        """The views with a source of their own, also those that views on demand are computed from."""
        todo, found = list(self._used(spec).service.feature_view_projections), dict[str, FeatureView]()
        while todo:
            view = self._view(todo.pop())
            if isinstance(view, OnDemandFeatureView):
                todo += view.source_feature_view_projections.values()
            elif isinstance(view, FeatureView):
                found[view.name] = view
        return [found[name] for name in sorted(found)]

    def _view(self, part: FeatureViewProjection) -> BaseFeatureView:
        return self._store.registry.get_any_feature_view(part.name, self._store.project, allow_cache=True)

    def _service(self, spec: ModelSpec) -> FeatureService:
        with self._opening:
            services = {service.name: service for service in self._store.list_feature_services()}
        if self.named.service not in services:
            raise ServiceMissing(spec.name, self.named.service, str(self.named.repo), sorted(services))
        return services[self.named.service]

    @cached_property
    def _filters_by_created(self) -> bool:
        # Feast has no other way to ask.
        store = getattr(self._store._get_provider(), "offline_store", None)  # noqa: SLF001
        return bool(getattr(store, "supports_filter_by_created_timestamp", False))

    @cached_property
    def _store(self) -> FeatureStore:
        """Feast over a copy of the registry, without an online store: nothing of theirs is written."""
        folder = Path(mkdtemp(prefix="nightjar-service-"))
        finalize(self, rmtree, folder, ignore_errors=True)
        written = {**self._written, "online_store": None}
        if self.kind in LOSES_ROWS:
            known = {"as_known_at": self.named.known_by_created, "corrections_only": True}
            written["offline_store"] = {"type": OURS, **known}
        self._require_registry()
        # Feast warns of what their feature_store.yaml says.
        with _reading(self.named, "its registry could not be read"), catch_warnings(action="ignore"):
            live = self._opened(written)
            found = Registry.FromString(live.registry.proto().SerializeToString())
            (folder / "registry.db").write_bytes(changed(anchored(found, self.named.repo)))
            return self._opened({**written, "registry": str(folder / "registry.db")})

    def _opened(self, written: Mapping[str, Any]) -> FeatureStore:
        config = RepoConfig(**written)
        config.repo_path = self.named.repo
        return FeatureStore(repo_path=str(self.named.repo), config=config)

    def _require_registry(self) -> None:
        """Raises ServiceUnreadable for a registry file that is not there: Feast would create it."""
        registry = self._written.get("registry")
        path = registry.get("path") if isinstance(registry, dict) else registry
        kind = registry.get("registry_type", "file") if isinstance(registry, dict) else "file"
        if kind == "file" and "://" not in str(path) and not (self.named.repo / str(path)).is_file():
            raise ServiceUnreadable(str(self.named.repo), f"its registry {path} does not exist")

    @cached_property
    def _written(self) -> dict[str, Any]:
        """feature_store.yaml with the variables of the environment filled in, as Feast does."""
        file = self.named.repo / "feature_store.yaml"
        if not file.is_file():
            raise ServiceUnreadable(str(self.named.repo), "it has no feature_store.yaml")
        with _reading(self.named, "its feature_store.yaml could not be read"):
            return dict(yaml.safe_load(os.path.expandvars(file.read_text(encoding="utf-8"))))


@dataclass(frozen=True, slots=True)
class Used:
    """The part of a service that a model uses. needs: columns of the population, with their types."""

    service: FeatureService
    needs: Mapping[str, pl.DataType]


def _declared(used: Used, inputs: Sequence[str]) -> dict[str, pl.DataType]:
    """The features that are inputs, with the types that the service declares."""
    return {
        feature.name: polars_type(feature.dtype)
        for part in used.service.feature_view_projections
        for feature in part.features
        if feature.name in inputs
    }


def _may_be(given: pl.DataType, declared: pl.DataType) -> bool:
    """True if values of a type mean the same in another: numbers of any width, texts of any storage."""
    texts = (pl.String, pl.Categorical, pl.Enum)
    return (
        given in (declared, pl.Null)
        or (given.is_integer() and declared.is_numeric())
        or (given.is_float() and declared.is_float())
        or (isinstance(given, texts) and isinstance(declared, texts))
        or (isinstance(given, pl.Datetime) and isinstance(declared, pl.Datetime))
    )


def anchored(registry: Any, repo: Path) -> Any:
    """The registry with relative paths of files resolved against the repository.

    Some stores of Feast resolve them against the folder that the process runs in.
    """
    for view in (*registry.feature_views, *registry.stream_feature_views):
        source = view.spec.batch_source
        if source.HasField("file_options") and "://" not in source.file_options.uri:
            source.file_options.uri = str(repo.absolute() / source.file_options.uri)
    return registry


def _said(error: Exception) -> str:
    """The first line of an error, without its full stop. Of an assertion without words, what it asserts."""
    failed = extract_tb(error.__traceback__)[-1].line if isinstance(error, AssertionError) else None
    words = (str(error) or failed or type(error).__name__).strip().splitlines()[0].removesuffix(".")
    return f"{type(error).__name__}: {words}" if isinstance(error, LookupError) else words


@contextmanager
def _asking(named: FeastService) -> Iterator[None]:
    """What an offline store raises. Each has errors of its own.

    What no further attempt mends is ServiceUnreadable, all else is StoreUnavailable, which is retried.
    """
    try:
        yield
    except LASTING as error:
        problem = f"the features of {named.service!r} cannot be read: {_said(error)}"
        raise ServiceUnreadable(str(named.repo), problem) from error
    except Exception as error:
        why = _said(error)
        raise StoreUnavailable(f"The offline store of the Feast repository {named.repo}", why) from error


@contextmanager
def _reading(named: FeastService, what: str) -> Iterator[None]:
    """What Feast and its drivers raise, as ServiceUnreadable. Each driver has errors of its own."""
    try:
        yield
    except Exception as error:
        raise ServiceUnreadable(str(named.repo), f"{what}: {type(error).__name__}: {error}") from error
