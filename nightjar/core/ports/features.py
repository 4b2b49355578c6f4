"""Feature tables, and features as known at an instant."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Protocol

import polars as pl

from nightjar.core.model.generations import FIRST, Generation, Generations
from nightjar.core.model.spec import FeatureTable, ModelSpec

RecipeOf = Callable[[FeatureTable], str]
"""A short hash of everything that makes a table's rows, apart from the raw data."""
RecipesOfModel = Callable[[ModelSpec], Mapping[str, str]]
"""The same of a model's `population` and `outcomes`. Empty: they are not known."""


def unknown_recipes(spec: ModelSpec) -> Mapping[str, str]:  # of any model
    return {}


class FeatureFiles(Protocol):
    """Feature tables as date-partitioned Parquet, partition `date` = UTC date of event_timestamp.

    A table has generations, each by its name. Nothing that is written to one is seen in another.
    """

    def generations(self, table: FeatureTable) -> tuple[Generation, ...]:
        """Return the generations that were in use, oldest first. The last one is read today."""
        ...

    def use(self, table: FeatureTable, generation: Generation) -> None:
        """Make a generation the one that is read. Atomic and idempotent. It must be whole."""
        ...

    def fingerprints(self, table: FeatureTable, generation: str = FIRST) -> dict[date, str]:
        """Return raw day -> fingerprint of the inputs of its last build.

        It is empty if a file is lost: rows of any day may have lain in it.
        """
        ...

    def lost(self, table: FeatureTable, generation: str = FIRST) -> tuple[str, ...]:
        """Return the files that were there at the last build and are gone. None is opened for it."""
        ...

    def write(
        self, table: FeatureTable, rows: pl.DataFrame, built: dict[date, str], generation: str = FIRST
    ) -> int:
        """Add the new rows and return their number.

        A row is new if no row is stored for its keys and event_timestamp, or if the newest such row differs.
        No row is removed: a corrected row is stored beside the old one, with a later `created`. Each
        partition is replaced atomically. Writing the same rows again changes nothing. `built` is recorded
        only after the rows are stored.
        """
        ...

    def newest(self, table: FeatureTable, as_of: datetime, generation: str = FIRST) -> datetime | None:
        """Return `event_timestamp` of the newest row that had happened and was recorded by `as_of` (UTC).

        Return None if there is no such row.
        """
        ...


class FeatureRows(Protocol):
    def known(
        self,
        table: FeatureTable,
        keys: Mapping[str, Any],
        as_of: datetime,
        known_at: datetime,
        generation: str = FIRST,
    ) -> Mapping[str, Any] | None:
        """Return the row of these keys that `FeatureSource.retrieve` reads, or None if there is none.

        It happened by as_of, was created by known_at, and is not older than the table's ttl at as_of. The
        newest event of which a row was created by as_of counts, and of it the newest row. Columns: keys,
        features, `event_timestamp`, `created`.
        """
        ...

    def recent(
        self,
        table: FeatureTable,
        keys: pl.DataFrame,
        as_of: datetime,
        known_at: datetime,
        generation: str = FIRST,
    ) -> pl.DataFrame:
        """Return the rows of `known` of many keys, of those keys that have one on the newest days of events.

        keys: a column for each key of the table. Older days are not read, so other keys are left out.
        """
        ...


class FeatureSource(Protocol):
    def require(self, spec: ModelSpec) -> None:
        """Raise MissingFeatures if `retrieve` would raise it before it reads any data."""
        ...

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        """Join the model's features to the entities, as known at each row's `event_timestamp` (UTC).

        entities: may have a column `known_at` (UTC). Then data recorded up to `known_at` counts, not up to
        `event_timestamp`. Every row of `entities` is kept, in order, and every column. Features without
        usable history are null.
        Raises MissingFeatures, StoreUnavailable.
        """
        ...

    def generations(self, spec: ModelSpec) -> Generations:
        """Return the generation of each of the model's feature tables that `retrieve` reads today."""
        ...

    def reading(self, generations: Generations) -> "FeatureSource":
        """Return a source that reads these generations, whichever are read today.

        Features that a generation does not have are null. It may read what was there at its first retrieval.
        """
        ...

    def limits(self, spec: ModelSpec) -> tuple[str, ...]:
        """Return what cannot be answered about the model's features, a sentence each.

        It is empty if features are known as they were at every instant.
        """
        ...

    def stale(self, spec: ModelSpec, as_of: datetime) -> tuple[str, ...]:
        """Describe each view of the model's own Feast service whose newest row is older than its `max_age`.

        as_of: UTC. It is empty for a model with feature tables: `FeatureFiles.newest` tells of these.
        Raises BadSpec if `max_age` names a view that gives the model nothing. Raises StoreUnavailable.
        """
        ...

    def finds_late_data(self, spec: ModelSpec) -> bool:
        """Return True if `retrieve` may give other features for a later `known_at`."""
        ...
