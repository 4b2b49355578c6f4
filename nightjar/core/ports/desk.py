"""What the desk reads, with no other rights than an analyst has."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from nightjar.core.desk.entities import Desk, EntityNight, ModelSeen, Nights, OfNight, OpenNow


class DeskReader(Protocol):
    """Raises StoreUnavailable."""

    def models(self) -> Sequence[ModelSeen]:
        """Return every model that has a version, by name."""
        ...

    def open_now(self) -> OpenNow:
        """Return the open incidents of all models and of the platform."""
        ...

    def desk(self, model: str) -> Desk:
        """Return what is known of the nights of the year that ends with the newest."""
        ...

    def nights(self, model: str) -> Nights:
        """Return the nights alone of the year that ends with the newest."""
        ...

    def night(self, model: str, score_date: date) -> OfNight:
        """Return what is known of a night, however old it is."""
        ...

    def entity(self, model: str, entity_key: str) -> Sequence[EntityNight]:
        """Return the published scores of an entity, oldest first."""
        ...
