"""A retrieval of the features of our tables, by whichever way."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import polars as pl
from sqlalchemy.exc import InterfaceError, OperationalError

from nightjar.adapters.feast_polars.files import Listed, Listing
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.model.generations import Generations
from nightjar.core.model.spec import ModelSpec

KNOWN_AT = "known_at"
"""The column of entities that says till when what was recorded counts.

It is there where that is not their `event_timestamp`.
"""

ROW = "__row"
"""A column of ours beside the entity rows.

By it what comes back is put in order and counted, whatever store it went through.
"""

Translated = Callable[[str], AbstractContextManager[None]]
"""Around what asks a database: its errors as ours, about what is named."""


class Retrieval(Protocol):
    """Threads may share one. What it knows of the registry was read once."""

    @property
    def store(self) -> str:
        """The type of the offline store, as feature_store.yaml names it."""
        ...

    @property
    def cutoffs(self) -> bool:
        """True if rows may say in KNOWN_AT till when records count."""
        ...

    def served(self) -> Mapping[str, frozenset[str]]:
        """The features of each service."""
        ...

    def ask(
        self,
        spec: ModelSpec,
        asked: pl.DataFrame,
        generations: Generations,
        absent: Mapping[str, frozenset[str]],
        listed: Listed = Listing.of,
    ) -> pl.DataFrame:
        """The asked rows with the features of the model's service, in any order.

        asked: ROW, the join keys, `event_timestamp` and perhaps KNOWN_AT.
        generations: those of our tables to read. absent: the tables of the model, each with the features that
        its generation does not have. Those are left out. listed: lists the files of a table.
        Raises UnusableSourceError.
        """
        ...


@contextmanager
def asking_registry(translated: Translated) -> Iterator[None]:
    """The errors of the registry's database as ours, whatever database it is."""
    try:
        with translated("Feast's registry"):
            yield
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailable("Feast's registry", str(error.orig).strip().splitlines()[0]) from error
