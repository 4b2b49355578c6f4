"""The feature repo: Feast's configuration and registry, and how the models' declarations are applied to it.

Imports Feast, which takes seconds: import this module where it is first needed.
"""

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from feast import Entity, FeatureService, FeatureStore, FeatureView, FileSource, Project
from feast.errors import FeastError
from feast.feature_view import DUMMY_ENTITY
from feast.infra.infra_object import Infra
from feast.infra.registry.base_registry import BaseRegistry
from feast.infra.registry.sql import FeastRegistrySchemaError, SqlRegistry
from feast.repo_config import RepoConfig
from feast.repo_contents import RepoContents
from feast.repo_operations import apply_total_with_repo_instance
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from nightjar.adapters.feast.asking import Translated, asking_registry
from nightjar.adapters.feast.generation_paths import inside
from nightjar.adapters.feast.yaml_file import REMEDY, FeatureStoreYaml, readable
from nightjar.adapters.files.generations import name_read
from nightjar.core.errors.inputs import FeastRegistryEmpty, FeastSchemaGone
from nightjar.core.errors.settings import BadSettings

_log = logging.getLogger(__name__)

DECODED_ONCE = ("get_feature_service", "get_any_feature_view")
"""Feast decodes what these give at every retrieval, and that takes longer than to read the features.

A copy of the registry never changes, so what they gave once they give always.
"""


@dataclass(frozen=True, slots=True)
class FeastRepo:
    """The feature repo in a folder.

    folder: where feature_store.yaml and definitions.py lie. registry_url, feature_dir: what the yaml's two
    variables stand for.
    translated: what the registry's database says, as errors of ours.
    """

    folder: Path
    registry_url: str = field(repr=False)
    feature_dir: Path
    translated: Translated = field(kw_only=True, repr=False)

    def apply(self) -> None:
        """Make the registry hold what definitions.py declares, as `feast apply` does.

        What is declared no longer is removed, unless definitions.py says that it is not complete.
        Raises BadSpec, BadSettings, UnsafeFeatureStore, StoreUnavailable.
        """
        self.feature_dir.mkdir(parents=True, exist_ok=True)
        store = FeatureStore(repo_path=str(self.folder), config=self._config({}))
        module = _module(self.folder / "definitions.py")
        declared = _declared(module, store.project)
        for view in declared.feature_views:
            self._point(view)
        self._require_schema(self._yaml.read()["registry"])
        with self._asking(), _closing(store.registry) as registry, redirect_stdout(io.StringIO()) as said:
            if getattr(module, "COMPLETE", True):
                apply_total_with_repo_instance(
                    store, store.project, registry, declared, skip_source_validation=True
                )
            else:
                store.apply([thing for things in declared for thing in things])
            # A local online store puts its path there, which every reader would open.
            registry.update_infra(Infra(), store.project)
        _log.debug("feast apply: %s", said.getvalue())

    def _point(self, view: FeatureView) -> None:
        """Have a view's source name the generation of our table that is read now.

        Our own retrievals choose their generations themselves. Others read what the registry says.
        """
        if isinstance(view.batch_source, FileSource):
            options = view.batch_source.file_options
            options.uri = inside(options.uri, view.name, name_read(self.feature_dir / view.name))

    def frozen(self, copy: Path) -> FeatureStore:
        """Feast over a copy of the registry as it is now.

        Feast itself would ask the database several times a retrieval, past its own cache.
        Raises BadSettings where nothing was ever applied, UnsafeFeatureStore, StoreUnavailable.
        """
        written = self._yaml.read()["registry"]
        if isinstance(written, dict) and written.get("registry_type") == "sql":
            unpooled = {
                **written.get("sqlalchemy_config_kwargs", {}),
                "poolclass": NullPool,
            }  # if verifying fails, nobody could close a pool
            written = {
                **written,
                "schema_mode": "verify",
                "sqlalchemy_config_kwargs": unpooled,
            }  # only `apply` may create Feast's tables
        with self._asking():
            live = FeatureStore(repo_path=str(self.folder), config=self._config({"registry": written}))
            copy.write_bytes(live.registry.proto().SerializeToString())
        return self.over(copy)

    def over(self, copy: Path) -> FeatureStore:
        """Feast over a copy of the registry that was made before."""
        store = FeatureStore(repo_path=str(self.folder), config=self._config({"registry": str(copy)}))
        for name in DECODED_ONCE:
            setattr(store.registry, name, cache(getattr(store.registry, name)))
        return store

    def _config(self, changes: Mapping[str, Any]) -> RepoConfig:
        written = {**self._yaml.read(), **changes}
        with _usable(self._yaml.file):
            config = RepoConfig(**written)
        config.repo_path = self.folder
        return config

    @property
    def _yaml(self) -> FeatureStoreYaml:
        return FeatureStoreYaml(self.folder, self.registry_url, self.feature_dir)

    def _require_schema(self, registry: Any) -> None:
        """Raises BadSettings where a registry in Postgres has no schema to lie in.

        Feast would then leave its own connections open.
        """
        if not isinstance(registry, dict) or registry.get("registry_type") != "sql":
            return
        engine = create_engine(registry["path"], poolclass=NullPool)
        if engine.dialect.name == "postgresql":
            with self._asking(), engine.connect() as connection:
                if connection.execute(text("SELECT current_schema()")).scalar_one() is None:
                    raise FeastSchemaGone

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """The registry's errors as ours, whatever database it lies in."""
        try:
            with asking_registry(self.translated):
                yield
        except FeastRegistrySchemaError as error:
            raise FeastRegistryEmpty from error


def _declared(module: ModuleType, project: str) -> RepoContents:
    """The Feast objects among the attributes of definitions.py, as Feast's own command line collects them."""
    found = list(vars(module).values())
    views = [thing for thing in found if isinstance(thing, FeatureView)]
    return RepoContents(
        projects=[Project(name=project)],
        data_sources=[view.batch_source for view in views if view.batch_source is not None],
        entities=[*(thing for thing in found if isinstance(thing, Entity)), DUMMY_ENTITY],
        feature_views=views,
        feature_services=[thing for thing in found if isinstance(thing, FeatureService)],
        on_demand_feature_views=[],
        stream_feature_views=[],
        label_views=[],
        permissions=[],
    )


def _module(file: Path) -> ModuleType:
    spec = spec_from_file_location("feature_repo_definitions", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _usable(file: Path) -> Iterator[None]:
    """What Feast finds wrong with feature_store.yaml, as BadSettings."""
    try:
        with readable(file):
            yield
    except FeastError as error:  # a class that cannot be imported
        raise BadSettings(f"{file}: {error}", REMEDY) from error


@contextmanager
def _closing(registry: BaseRegistry) -> Iterator[BaseRegistry]:
    """Give a SQL registry's connections back in the end; Feast would keep them."""
    try:
        yield registry
    finally:
        if isinstance(registry, SqlRegistry):
            registry.write_engine.dispose()
            registry.read_engine.dispose()
