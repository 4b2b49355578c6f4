"""A view is a retrieval's request to one feature view, in the names of its source."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl
import pyarrow as pa
from feast.data_source import DataSource
from feast.errors import FeastEntityDFMissingColumnsError
from feast.feature_view import DUMMY_ENTITY_ID, FeatureView
from feast.types import Array, Bytes, FeastType, ImageBytes, PdfBytes, Set, from_feast_to_pyarrow_type

from .entity_frame import EntityFrame
from .places import UnusableSourceError, stored_names


@dataclass(frozen=True, slots=True)
class View:
    """One feature view as it was requested.

    keys: source column -> entity column. features: output column -> source column. types: the declared type
    of each.
    ttl None: a row may be used for ever. recorded None: rows do not say when they were recorded.
    """

    name: str
    source: DataSource
    keys: Mapping[str, str]
    features: Mapping[str, str]
    types: Mapping[str, pl.DataType]
    happened: str
    recorded: str | None
    ttl: timedelta | None

    @classmethod
    def of(cls, view: FeatureView, refs: Sequence[str], *, full_feature_names: bool) -> "View":
        """Return what feature references ("view:feature") request from a view.

        They use the name and the join keys of its projection.
        Raises UnusableSourceError for a view without a source, ValueError for one with a negative TTL.
        """
        if view.batch_source is None:
            raise UnusableSourceError(f"Feature view {view.name!r} has no batch source to read history from.")
        if view.ttl and view.ttl < timedelta(0):
            raise ValueError(
                f"Feature view {view.name!r} has a TTL of {view.ttl}: no row is ever that new. Make it "
                "positive, or 0 for ever."
            )
        stored = stored_names(view.batch_source)
        projection = view.projection
        asked = [
            feature
            for name, _, feature in (ref.partition(":") for ref in refs)
            if name == projection.name_to_use()
        ]
        prefix = f"{projection.name_alias or view.name}__" if full_feature_names else ""
        declared = {field.name: field.dtype for field in view.features}
        entities = [field.name for field in view.entity_columns if field.name != DUMMY_ENTITY_ID]
        timestamp, created = view.batch_source.timestamp_field, view.batch_source.created_timestamp_column
        return cls(
            name=projection.name_to_use(),
            source=view.batch_source,
            keys={stored.get(name, name): projection.join_key_map.get(name, name) for name in entities},
            features={prefix + name: stored.get(name, name) for name in asked},
            types={prefix + name: polars_type(declared[name]) for name in asked},
            happened=stored.get(timestamp, timestamp),
            recorded=stored.get(created, created) if created else None,
            ttl=view.ttl or None,
        )

    def only(self, columns: Collection[str]) -> "View":
        """Return the same view with only these of its features."""
        kept = [name for name in self.features if name in columns]
        return replace(
            self,
            features={name: self.features[name] for name in kept},
            types={name: self.types[name] for name in kept},
        )

    @property
    def identity(self) -> Hashable:
        """Return a value that is equal for views with the same features, rows and names."""
        features = tuple((name, column, str(self.types[name])) for name, column in self.features.items())
        return tuple(self.keys.items()), features, self.happened, self.recorded, self.ttl

    def check(self, entities: EntityFrame) -> None:
        """Raises FeastEntityDFMissingColumnsError for a missing join key."""
        expected = {*self.keys.values(), entities.time}
        if missing := expected - set(entities.frame.columns):
            raise FeastEntityDFMissingColumnsError(expected, missing)

    def columns(self) -> tuple[str, ...]:
        """All source columns that a retrieval reads."""
        times = (self.happened, self.recorded) if self.recorded else (self.happened,)
        return (*self.keys, *self.features.values(), *times)


def polars_type(dtype: FeastType) -> pl.DataType:
    """Return the type of a feature's values. Feast names no Arrow type for bytes."""
    if dtype in (Bytes, ImageBytes, PdfBytes):
        return pl.Binary()
    if isinstance(dtype, (Array, Set)):
        return pl.List(polars_type(dtype.base_type))
    arrow = from_feast_to_pyarrow_type(dtype)
    return pl.DataFrame(pa.table({"_": pa.array([], type=arrow)})).schema["_"]
