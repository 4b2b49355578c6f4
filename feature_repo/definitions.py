"""What Feast knows of the models: an entity a key, a view a feature table, a service a model. Adding a model
changes nothing here.

Feast imports this file by its bare stem and takes every Feast object among the module's attributes.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import polars as pl
from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.types import (
    Bool,
    FeastType,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    UnixTimestamp,
    from_feast_type,
)

from models import BROKEN, MODELS
from nightjar.core.errors.model import BadSpec
from nightjar.core.model.spec import FeatureTable, ModelSpec

COMPLETE = not BROKEN
"""False if a model's code is broken: the registry then keeps what it has of that model."""

FEAST_TYPES: Mapping[type[pl.DataType], FeastType] = {
    **dict.fromkeys((pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16), Int32),
    **dict.fromkeys((pl.Int64, pl.UInt32), Int64),
    **dict.fromkeys((pl.String, pl.Categorical, pl.Enum), String),
    **dict.fromkeys((pl.Date, pl.Datetime), UnixTimestamp),
    pl.Float32: Float32,
    pl.Float64: Float64,
    pl.Boolean: Bool,
}


def feast_objects(specs: Iterable[ModelSpec]) -> Iterator[tuple[str, Entity | FeatureView | FeatureService]]:
    """Every object under a name of its own. Models that share a feature table share its view.

    Raises BadSpec for a join key of several types.
    """
    specs = tuple(specs)
    tables = {table.name: table for spec in specs for table in spec.feature_tables}
    entities = _entities(specs)
    views = {name: _view(table, entities) for name, table in tables.items()}
    yield from ((f"entity_{name}", entity) for name, entity in entities.items())
    yield from ((f"view_{name}", view) for name, view in views.items())
    for spec in (spec for spec in specs if spec.features is None):
        features = [views[table.name] for table in spec.feature_tables]
        yield (
            f"service_{spec.name}",
            FeatureService(name=spec.feature_service, features=features, description=spec.title),
        )


def _entities(specs: Iterable[ModelSpec]) -> dict[str, Entity]:
    entities: dict[str, Entity] = {}
    for spec in specs:
        for key, dtype in chain.from_iterable(table.keys.items() for table in spec.feature_tables):
            entity = Entity(
                name=key, join_keys=[key], value_type=from_feast_type(_feast_type(spec.name, key, dtype))
            )
            if entities.setdefault(key, entity) != entity:
                raise BadSpec(
                    spec.name,
                    f"join key {key}",
                    f"is {dtype} here and of another type elsewhere: make them the same, or rename it",
                )
    return entities


def _view(table: FeatureTable, entities: Mapping[str, Entity]) -> FeatureView:
    source = FileSource(
        name=f"{table.name}_files",
        path=table.name,
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
        tags={"partition": "date"},
    )
    return FeatureView(
        name=table.name,
        description=table.description,
        entities=[entities[key] for key in table.keys],
        schema=[
            Field(name=name, dtype=_feast_type(table.name, name, dtype))
            for name, dtype in {**table.keys, **table.features}.items()
        ],
        source=source,
        ttl=table.ttl,
        online=False,
    )


def _feast_type(where: str, column: str, dtype: pl.DataType) -> FeastType:
    try:
        return FEAST_TYPES[dtype.base_type()]
    except KeyError:
        raise BadSpec(
            where,
            column,
            f"is {dtype}, which Feast has no type for; use one of {sorted(map(str, FEAST_TYPES))}",
        ) from None


globals().update(feast_objects(MODELS.values()))
