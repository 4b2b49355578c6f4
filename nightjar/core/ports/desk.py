"""What the desk reads, with no other rights than an analyst has."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from nightjar.core.desk.entities import Desk, EntityNight, Explained, ModelSeen


class DeskReader(Protocol):
    """Raises StoreUnavailable."""

    def models(self) -> Sequence[ModelSeen]:
        """Return every model that has a version, by name."""
        ...

    def desk(self, model: str) -> Desk:
        """Return what is known of the nights of the year that ends with the newest."""
        ...

    def explained(self, model: str, score_date: date) -> Sequence[Explained]:
        """Return the rows of a night whose reasons are stored, the highest score first."""
        ...

    def entity(self, model: str, entity_key: str) -> Sequence[EntityNight]:
        """Return the published scores of an entity, oldest first."""
        ...
