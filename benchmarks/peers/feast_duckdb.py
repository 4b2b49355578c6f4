"""Feast with its DuckDB store, CatBoost, and COPY of a CSV."""

import sys
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource
from feast.repo_config import RepoConfig
from feast.types import Float64, Int64, String
from feast.value_type import ValueType
from inputs import Inputs, as_stored, copied, run, scored

Write = Callable[[Any, str], None]
"""Writes a pandas frame into the table of a database, by its URL."""


def type_of(key: str) -> tuple[object, ValueType]:
    return (Int64, ValueType.INT64) if key == "flight" else (String, ValueType.STRING)


def store_of(inputs: Inputs, folder: Path) -> FeatureStore:
    config = RepoConfig(
        project="peer",
        provider="local",
        registry=str(folder / "registry.db"),
        offline_store={"type": "duckdb"},
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    config.repo_path = folder
    store = FeatureStore(repo_path=str(folder), config=config)
    keys = dict.fromkeys(key for table in inputs.tables for key in table.keys)
    entities = {key: Entity(name=f"{key}_", join_keys=[key], value_type=type_of(key)[1]) for key in keys}
    views = [
        FeatureView(
            name=table.name,
            entities=[entities[key] for key in table.keys],
            schema=[
                *(Field(name=key, dtype=type_of(key)[0]) for key in table.keys),
                *(Field(name=name, dtype=Float64) for name in table.features),
            ],
            source=FileSource(
                name=f"{table.name}_files",
                path=inputs.history(table),
                timestamp_field="event_timestamp",
                created_timestamp_column="created",
            ),
            ttl=timedelta(seconds=table.ttl_s),
            online=False,
        )
        for table in inputs.tables
    ]
    store.apply([*entities.values(), *views])
    return store


def work(store: FeatureStore, inputs: Inputs, write: Write) -> None:
    asked = pd.read_parquet(inputs.population)
    asked["event_timestamp"] = pd.Timestamp(inputs.as_of)
    wanted = [f"{table.name}:{name}" for table in inputs.tables for name in table.features]
    rows = store.get_historical_features(asked, features=wanted).to_df()
    scores = scored(rows, inputs, inputs.model())
    write(as_stored(rows["entity_key"].to_numpy(), scores, inputs), inputs.url)


def main(write: Write) -> None:
    warnings.simplefilter("ignore")
    with TemporaryDirectory() as folder:
        store = store_of(Inputs.of(Path(sys.argv[1])), Path(folder))
        run(lambda inputs: work(store, inputs, write))


if __name__ == "__main__":
    main(copied)
