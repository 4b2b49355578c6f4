"""Datasets, versions and promotions."""

from datetime import date, datetime
from typing import Protocol

from nightjar.core.lifecycle.roles import Ending
from nightjar.core.model.entities import Candidate, Dataset, Promotion, Version


class Registry(Protocol):
    """Stores datasets, versions and promotions. Append-only."""

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
        """Register a snapshot. A second call with the same model and content returns the first row."""
        ...

    def datasets(self, model: str) -> tuple[Dataset, ...]:
        """Return them in the order of their registration."""
        ...

    def add_version(self, candidate: Candidate) -> Version:
        """Register a trained model with the next number.

        A second call with the same artifact and dataset returns the first row.
        """
        ...

    def version(self, model: str, number: int) -> Version | None: ...

    def version_by_id(self, version_id: int) -> Version: ...

    def versions(self, model: str) -> tuple[Version, ...]:
        """Return them newest first."""
        ...

    def holder(self, model: str, role: str, at: datetime | None = None) -> Version | None:
        """Return the version that holds a role now, or held it at an instant."""
        ...

    def promote(self, version: Version, role: str, reason: str) -> Promotion:
        """Give a version a role. If it already holds the role, no row is added."""
        ...

    def promote_beside(
        self, version: Version, champion: Version | None, role: str, reason: str
    ) -> Promotion | None:
        """Give a version a role if it was judged beside the champion of now.

        champion: that it was judged beside; None: there was none. None: another version is champion, or a
        version that shall be challenger finds another challenger. Then nothing is done.
        """
        ...

    def end_challenge(
        self, challenger: Version, champion: Version, ending: Ending, reason: str
    ) -> Promotion | None:
        """Make a challenger champion, or withdraw it.

        It is done only if both still hold their roles, so two processes end a challenge once, and none ends
        one that a person has ended otherwise. None: one of them holds its role no more.
        """
        ...

    def set_share(
        self, challenger: Version, champion: Version, share: float, reason: str, *, instead_of: float
    ) -> Promotion | None:
        """Let a challenger serve another share of the entities, from the next run on.

        share: in [0, 1]; 0 is in shadow. It is done only if both still hold their roles and the share is
        still `instead_of`, so of two processes one does it. None: it was not done.
        """
        ...

    def promotions(self, model: str) -> tuple[Promotion, ...]:
        """Return them newest first."""
        ...
