"""Raw days as they were delivered."""

from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path
from typing import Literal, Protocol

import polars as pl

from nightjar.core.inputs.refusals import Refusal
from nightjar.core.model.spec import RawDataset

Landed = Literal["landed", "unchanged", "corrected"]


Received = Landed | Refusal | Literal["refused before"]


class RawStore(Protocol):
    """Raw days as they were delivered.

    Nothing is ever overwritten: a different file for a day is a correction, kept beside the first.
    """

    def land(self, dataset: RawDataset, day: date, file: Path, recorded_at: datetime | None = None) -> Landed:
        """Check a delivered CSV against its dataset and keep it.

        recorded_at: when its content became known (UTC). None: now; it is there for all to read before that
        instant, and the call returns when the instant has passed.
        Idempotent: the same content for a day changes nothing ("unchanged"), whenever it is said to be
        recorded: what was told first stands.
        Atomic: a reader sees the whole file or none.
        Raises BadDelivery naming file, line, column, value and remedy for what is no regular file or too
        large, a truncated file, a missing or extra column, a wrong type, an empty value where none may be, a
        repeated key; what was there is untouched.
        """
        ...

    def receive(self, dataset: RawDataset, day: date, file: Path, recorded_at: datetime) -> Received:
        """Land a delivered file, or set it aside with its bytes if it is bad: then return the refusal.

        "refused before": the same content of that day was set aside before, and that was told then.
        Idempotent.
        """
        ...

    def refused(self, dataset: str) -> tuple[Refusal, ...]:
        """The deliveries set aside and not settled, by day and by the instant they were recorded at."""
        ...

    def settle(self, dataset: str, day: date, recorded_by: datetime | None = None) -> tuple[Refusal, ...]:
        """Settle what is set aside of a day, if it was recorded by an instant, or all of it.

        Return what was settled. Idempotent.
        """
        ...

    def days(self, dataset: str) -> dict[date, str]:
        """Each landed day with a fingerprint of its deliveries.

        The fingerprint changes when a correction lands.
        """
        ...

    def recorded(
        self, dataset: str, days: Collection[date] | None = None
    ) -> dict[date, tuple[datetime, ...]]:
        """Each landed day with the instants (UTC) its deliveries were recorded at, oldest first.

        days: of these, the ones that have landed; None: all.
        """
        ...

    def read(
        self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None
    ) -> pl.DataFrame:
        """Rows of days first..last with `date` and `recorded_at` added.

        Of each day it takes the latest delivery recorded by `known_at`. Days that never landed are absent; no
        day at all gives an empty frame of the right schema.
        """
        ...
