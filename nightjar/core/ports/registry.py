"""Datasets, versions and promotions."""

from datetime import date, datetime
from typing import Protocol

from nightjar.core.model.entities import Candidate, Dataset, Promotion, Version


class Registry(Protocol):
    """Datasets, versions and who was champion when. Append-only."""

    def add_dataset(
        self,
        model: str,
        sha256: str,
        uri: str,
        rows: int,
        first_date: date,
        last_date: date,
        known_at: datetime,
    ) -> Dataset:
        """Register a snapshot. The same model and content give the first one's row."""
        ...

    def add_version(self, candidate: Candidate) -> Version:
        """Register a trained model with the next number.

        The same artifact of the same dataset gives the first one's row.
        """
        ...

    def version(self, model: str, number: int) -> Version | None: ...

    def version_by_id(self, version_id: int) -> Version: ...

    def versions(self, model: str) -> tuple[Version, ...]:
        """Newest first."""
        ...

    def holder(self, model: str, role: str, at: datetime | None = None) -> Version | None:
        """Who holds a role now, or held it at an instant."""
        ...

    def promote(self, version: Version, role: str, reason: str) -> Promotion:
        """Give a version a role. A version that holds it already gets no second row."""
        ...

    def promotions(self, model: str) -> tuple[Promotion, ...]:
        """Newest first."""
        ...
