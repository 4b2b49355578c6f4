"""Features of our tables by our store, as the registry declares them, without Feast.

`import feast` takes seconds, and a flow run is a process. What Feast's registry declares is read from its
tables in SQL, and the join is done by the engine of our offline store, as it is when Feast calls it.
Where anything is declared that only Feast can read, nothing is answered here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from nightjar.adapters.feast.asking import KNOWN_AT, Translated, asking_registry
from nightjar.adapters.feast.generation_paths import inside
from nightjar.adapters.feast.messages import FeatureService, FeatureView, pairs
from nightjar.adapters.feast_polars.entity_frame import EntityFrame
from nightjar.adapters.feast_polars.files import Listed, Listing
from nightjar.adapters.feast_polars.joining import PointInTimeJoin
from nightjar.adapters.feast_polars.places import Source
from nightjar.adapters.feast_polars.settings import STORE, StoreSettings
from nightjar.adapters.feast_polars.view import View
from nightjar.core.errors.inputs import FeastRegistryEmpty
from nightjar.core.model.generations import FIRST, Generations
from nightjar.core.model.spec import ModelSpec

TYPES: Mapping[int, pl.DataType] = {
    1: pl.Binary(),
    2: pl.String(),
    3: pl.Int32(),
    4: pl.Int64(),
    5: pl.Float64(),
    6: pl.Float32(),
    7: pl.Boolean(),
    8: pl.Datetime("us", "UTC"),
}
"""By Feast's number of a type. Lists, maps and the like are left to Feast."""

FILES = 1
"""Feast's number of a source of files."""

PLACEHOLDER = "__dummy_id"
"""Feast's join key of a view that has none."""

NO_TABLE = "42P01"
"""SQLSTATE of a question to a table that does not exist."""

SELECT = """
    SELECT feature_view_name AS name, feature_view_proto AS view, NULL AS service
    FROM feature_views WHERE project_id = :project
    UNION ALL
    SELECT feature_service_name, NULL, feature_service_proto FROM feature_services WHERE project_id = :project
"""


@dataclass(frozen=True, slots=True)
class Direct:
    """Implements Retrieval. views, services: the registry's messages, by name."""

    views: Mapping[str, Any]
    services: Mapping[str, Any]
    settings: StoreSettings
    root: Path
    store: str = STORE

    @classmethod
    def of(cls, written: Mapping[str, Any], repo: Path, translated: Translated) -> "Direct | None":
        """None where another store is written, a registry that is not in Postgres, or a setting that is none.

        written: what feature_store.yaml in the folder `repo` says.
        Raises FeastRegistryEmpty, StoreUnavailable, BadSettings.
        """
        registry, store = written.get("registry"), written.get("offline_store")
        if not (isinstance(registry, dict) and isinstance(store, dict) and store.get("type") == STORE):
            return None
        if not str(registry.get("path")).startswith("postgresql"):
            return None
        try:
            settings = StoreSettings(**store)
        except ValidationError:
            return None
        with asking_registry(translated):
            views, services = _read(registry, str(written.get("project")))
        return cls(views, services, settings, repo / (settings.root or ""))

    @property
    def cutoffs(self) -> bool:
        return self.settings.known_at == KNOWN_AT

    def served(self) -> dict[str, frozenset[str]]:
        return {
            name: frozenset(
                feature.name for part in service.spec.features for feature in part.feature_columns
            )
            for name, service in self.services.items()
        }

    def answers(self, service: str) -> bool:
        """True if all that a service declares can be read here: files, and features of plain types."""
        declared = self.services[service]
        names = _features(declared)
        return len(names) == len({*names}) and all(map(self._is_plain, declared.spec.features))

    def _is_plain(self, part: Any) -> bool:
        view = self.views.get(part.feature_view_name)
        if view is None or part.version_tag or view.spec.batch_source.type != FILES:
            return False
        declared = {feature.name: feature.value_type for feature in view.spec.features}
        return all(declared.get(feature.name) in TYPES for feature in part.feature_columns)

    def ask(
        self,
        spec: ModelSpec,
        asked: pl.DataFrame,
        generations: Generations,
        absent: Mapping[str, frozenset[str]],
        listed: Listed = Listing.of,
    ) -> pl.DataFrame:
        settings = self.settings
        entities = EntityFrame.of(asked, settings.known_at, corrections_only=settings.corrections_only)
        views = tuple(self._views(spec, generations, absent))
        cache_bytes = settings.cache_mb * 1_000_000
        join = PointInTimeJoin(views, entities, self.root, settings.as_known_at, cache_bytes, listed)
        return next(join.frames(None))

    def _views(
        self, spec: ModelSpec, generations: Generations, absent: Mapping[str, frozenset[str]]
    ) -> Iterator[View]:
        """What is asked of each view: the features of the model that its generation has."""
        wanted = {name for table in spec.feature_tables for name in table.features}
        for part in self.services[spec.feature_service].spec.features:
            table = part.feature_view_name
            asked = wanted.intersection(column.name for column in part.feature_columns)
            if asked := asked - absent.get(table, frozenset()):
                view = _view(self.views[table].spec, asked, pairs(part.join_key_map))
                path = inside(view.source.path, table, generations.get(table, FIRST))
                yield replace(view, source=replace(view.source, path=path)) if table in absent else view


def _features(service: Any) -> list[str]:
    return [feature.name for part in service.spec.features for feature in part.feature_columns]


def _view(declared: Any, asked: set[str], renamed_keys: Mapping[str, str]) -> View:
    keys = [column.name for column in declared.entity_columns if column.name != PLACEHOLDER]
    return View.of(
        declared.name,
        _source(declared.batch_source),
        keys={key: renamed_keys.get(key, key) for key in keys},
        types={
            feature.name: TYPES[feature.value_type] for feature in declared.features if feature.name in asked
        },
        ttl=timedelta(seconds=declared.ttl.seconds, microseconds=declared.ttl.nanos // 1_000),
    )


def _source(source: Any) -> Source:
    return Source.of(
        source.name,
        source.file_options.uri,
        happened=source.timestamp_field,
        recorded=source.created_timestamp_column,
        renamed=pairs(source.field_mapping),
        tags=pairs(source.tags),
        delta=source.file_options.file_format.HasField("delta_format"),
        endpoint=source.file_options.s3_endpoint_override,
    )


def _read(registry: Mapping[str, Any], project: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The views and services of a project, in one question. The connection is closed at once."""
    settings = {**registry.get("sqlalchemy_config_kwargs", {}), "poolclass": NullPool}
    settings.pop("pool_pre_ping", None)  # a new connection needs no proof that it is alive
    with create_engine(registry["path"], **settings).connect() as connection, _of_tables():
        rows = connection.execute(text(SELECT), {"project": project}).all()
    views = {row.name: FeatureView.FromString(row.view) for row in rows if row.view is not None}
    services = {row.name: FeatureService.FromString(row.service) for row in rows if row.service is not None}
    return views, services


@contextmanager
def _of_tables() -> Iterator[None]:
    """Raises FeastRegistryEmpty where the registry has no tables."""
    try:
        yield
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != NO_TABLE:
            raise
        raise FeastRegistryEmpty from error
