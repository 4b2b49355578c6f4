"""A feature store in a temporary repo, and short ways to make views over frames and to retrieve through
our store.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightjar.adapters.feast_polars import PolarsOfflineStore, PolarsOfflineStoreConfig, PolarsRetrievalJob

STORE = "nightjar.adapters.feast_polars.PolarsOfflineStore"


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Any:
    from feast import FeatureStore
    from feast.repo_config import RepoConfig

    repo = tmp_path_factory.mktemp("repo")
    config = RepoConfig(
        project="test",
        provider="local",
        registry=str(repo / "registry.db"),
        offline_store={"type": STORE},
        online_store={"type": "sqlite", "path": str(repo / "online.db")},
        entity_key_serialization_version=3,
    )
    config.repo_path = repo
    return FeatureStore(repo_path=str(repo), config=config)


@pytest.fixture(scope="session")
def view(store) -> Callable[..., Any]:
    """view(frame, keys) writes a frame to Parquet in the repo and gives the feature view over it; further
    arguments as below.
    """
    from feast import Entity, FeatureView, Field, FileSource
    from feast.types import Float64, Int64, String
    from feast.value_type import ValueType

    numbers = count()
    feast_types = {
        pl.Int64: Int64,
        pl.Int32: Int64,
        pl.Float64: Float64,
        pl.String: String,
        pl.Categorical: String,
        pl.Float32: Float64,
    }

    def make(
        frame: pl.DataFrame,
        keys: tuple[str, ...] = ("k",),
        *,
        ttl: timedelta = timedelta(0),
        features: tuple[str, ...] = ("v",),
        created: str = "created",
        path: str | None = None,
        types: dict[str, Any] | None = None,
        **source: Any,
    ) -> Any:
        name = f"view{next(numbers)}"
        path = path or f"{name}.parquet"
        if path.endswith(".parquet"):
            frame.write_parquet(store.repo_path / path)
        mapping = source.get("field_mapping", {})
        dtypes = {mapping.get(column, column): dtype for column, dtype in frame.schema.items()}
        value_types = {Int64: ValueType.INT64, String: ValueType.STRING, Float64: ValueType.DOUBLE}
        declared = {column: feast_types.get(type(dtype), Int64) for column, dtype in dtypes.items()} | (
            types or {}
        )
        return FeatureView(
            name=name,
            entities=[
                Entity(name=f"{key}_entity", join_keys=[key], value_type=value_types[declared[key]])
                for key in keys
            ],
            schema=[Field(name=column, dtype=declared[column]) for column in (*keys, *features)],
            source=FileSource(
                name=name,
                path=path,
                timestamp_field="ts",
                created_timestamp_column=created if created in frame.columns else "",
                **source,
            ),
            ttl=ttl,
            online=False,
        )

    return make


@pytest.fixture(scope="session")
def retrieve(store) -> Callable[..., PolarsRetrievalJob]:
    """retrieve(views, entities) asks our store for every feature of the views, as FeatureStore would."""

    def ask(
        views: Any,
        entities: Any,
        *,
        as_known_at: bool = True,
        known_at: str | None = "known_at",
        corrections_only: bool = False,
        cache_mb: int = 0,
        full_feature_names: bool = False,
        **more: Any,
    ) -> PolarsRetrievalJob:
        views = views if isinstance(views, list) else [views]
        config = store.config.model_copy()
        config._offline_store = PolarsOfflineStoreConfig(
            type=STORE,
            as_known_at=as_known_at,
            known_at=known_at,
            corrections_only=corrections_only,
            cache_mb=cache_mb,
        )
        refs = [f"{view.projection.name_to_use()}:{field.name}" for view in views for field in view.features]
        return PolarsOfflineStore.get_historical_features(
            config, views, refs, entities, store.registry, "test", full_feature_names, **more
        )

    return ask


@pytest.fixture
def in_repo(store) -> Path:
    return Path(store.repo_path)
