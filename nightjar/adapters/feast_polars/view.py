"""A view is a retrieval's request to one feature view, in the names of its source."""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl

from .entity_frame import EntityFrame
from .places import Source


@dataclass(frozen=True, slots=True)
class View:
    """One feature view as it was requested.

    keys: source column -> entity column. features: output column -> source column. types: the declared type
    of each.
    ttl None: a row may be used for ever. recorded None: rows do not say when they were recorded.
    """

    name: str
    source: Source
    keys: Mapping[str, str]
    features: Mapping[str, str]
    types: Mapping[str, pl.DataType]
    happened: str
    recorded: str | None
    ttl: timedelta | None

    @classmethod
    def of(
        cls,
        name: str,
        source: Source,
        *,
        keys: Mapping[str, str],
        types: Mapping[str, pl.DataType],
        ttl: timedelta | None,
        prefix: str = "",
    ) -> "View":
        """Return what is asked of a view, by the names that it declares.

        keys: join key -> entity column. types: of each feature that is asked for. ttl None or 0: for ever.
        prefix: stands before the features' names in the output.
        Raises ValueError for a negative TTL.
        """
        if ttl and ttl < timedelta(0):
            raise ValueError(
                f"Feature view {name!r} has a TTL of {ttl}: no row is ever that new. Make it positive, or 0 "
                "for ever."
            )
        return cls(
            name=name,
            source=source,
            keys={source.stored.get(key, key): entity for key, entity in keys.items()},
            features={prefix + feature: source.stored.get(feature, feature) for feature in types},
            types={prefix + feature: dtype for feature, dtype in types.items()},
            happened=source.happened,
            recorded=source.recorded,
            ttl=ttl or None,
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
            from feast.errors import FeastEntityDFMissingColumnsError  # noqa: PLC0415  # it takes seconds

            raise FeastEntityDFMissingColumnsError(expected, missing)

    def columns(self) -> tuple[str, ...]:
        """All source columns that a retrieval reads."""
        times = (self.happened, self.recorded) if self.recorded else (self.happened,)
        return (*self.keys, *self.features.values(), *times)
