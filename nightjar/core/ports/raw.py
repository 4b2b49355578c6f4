"""Raw days as they were delivered."""

from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path
from typing import Literal, Protocol

import polars as pl

from nightjar.core.inputs.refusals import Refusal
from nightjar.core.lost import LostDelivery
from nightjar.core.model.spec import RawDataset

Landed = Literal["landed", "unchanged", "corrected", "restored", "restored and corrected"]
DeliveredDay = tuple[str, date, datetime]
"""A dataset, a day of it, and the instant (UTC) at which a delivery of it was recorded."""
Received = Landed | Refusal | Literal["refused before"]


class RawStore(Protocol):
    """Raw days as they were delivered.

    Nothing is ever overwritten. A different file for a day is a correction. It is kept beside the first.
    A day whose file was lost has landed all the same. Whoever reads it gets DeliveriesLost.
    """

    def require_file(self, dataset: RawDataset, file: Path) -> None:
        """Raise what `land` raises of a file whose bytes cannot be taken. What they hold is not looked at."""
        ...

    def land(
        self,
        dataset: RawDataset,
        day: date,
        file: Path,
        recorded_at: datetime | None = None,
        last: date | None = None,
    ) -> Landed:
        """Check a delivered file against its dataset and keep it.

        last: the last day that the file is about, if it is about several: then each of its days has landed,
        also one of which it has no row.
        recorded_at: when its content became known (UTC). None: now. Then everybody can read the file before
        that instant, and the call returns after it.
        Idempotent: the same content for a day changes nothing ("unchanged"). The first recorded_at stays.
        If the file of that content was lost, it is there again, recorded when it was ("restored"). If another
        one of its days has landed since, it is also the newest correction ("restored and corrected").
        Atomic: a reader sees the whole file or no file.
        Raises BadDelivery, which names file, line or row, column, value and remedy. It is raised for a file
        that is not regular, too large, truncated or not proved whole, a missing or extra column, a wrong
        type, an empty value in a column that is not nullable, and a repeated key. Stored files are unchanged
        then.
        """
        ...

    def recorded_as(
        self,
        dataset: RawDataset,
        day: date,
        file: Path,
        recorded_at: datetime | None = None,
        last: date | None = None,
    ) -> datetime | None:
        """Return the instant (UTC) that the content of a file was recorded at, once `land` has taken it.

        The arguments are those that `land` was called with. If it changed nothing, it is the first instant.
        None if neither the delivery just before `recorded_at` nor the one just after it has this content.
        """
        ...

    def receive(
        self, dataset: RawDataset, day: date, file: Path, recorded_at: datetime, last: date | None = None
    ) -> Received:
        """Land a delivered file. If it is bad, set it aside with its bytes and return the refusal.

        "refused before": the same content of that day was already set aside and reported.
        Idempotent.
        """
        ...

    def refused(self, dataset: str) -> tuple[Refusal, ...]:
        """Return the deliveries that are set aside and not settled, by day and by recorded_at."""
        ...

    def settled(self, dataset: str) -> tuple[Refusal, ...]:
        """Return those that are settled, as long as they are kept."""
        ...

    def settle(
        self, dataset: str, day: date, recorded_by: datetime | None = None, last: date | None = None
    ) -> tuple[Refusal, ...]:
        """Settle the refused deliveries of a day that were recorded by `recorded_by`; None: all of them.

        With `recorded_by`, those about no other days than `day`, or `day` to `last`.
        Return the settled ones. Idempotent.
        """
        ...

    def lost(self, dataset: str) -> tuple[LostDelivery, ...]:
        """Return what has landed and is no longer there. What is held from use counts too. None is opened."""
        ...

    def take_stock(self, dataset: str) -> tuple[LostDelivery, ...]:
        """Note everything that is there as landed, and return what `lost` does.

        Nothing that was lost before the first call is known. Safe beside other calls, and after a crash.
        """
        ...

    def give_up(self, dataset: str, day: date) -> tuple[LostDelivery, ...]:
        """Give up the lost files about a day, and return them. Idempotent.

        They count as not there: `read` and `recorded` leave them out. `days` does not change, so what was
        built of them stays. The same content may land again.
        """
        ...

    def believing(self, deliveries: Collection[DeliveredDay]) -> "RawStore":
        """The same store, in which these deliveries count since they were recorded, although they are held.

        deliveries: it is asked at each reading, so it may change meanwhile.
        """
        ...

    def listed_once(self) -> "RawStore":
        """The same store for a piece of work that reads it many times: what has landed is listed once.

        What lands after a dataset was listed is not seen, and a file that is lost meanwhile is missed when it
        is read.
        """
        ...

    def days(self, dataset: str) -> dict[date, str]:
        """Return each landed day with a fingerprint of its deliveries.

        The fingerprint changes when a correction lands, and not when a file is lost.
        """
        ...

    def recorded(
        self, dataset: str, days: Collection[date] | None = None
    ) -> dict[date, tuple[datetime, ...]]:
        """Return each landed day with the instants (UTC) its deliveries were recorded at, oldest first.

        days: only these days are returned, if they have landed. None: all landed days.
        """
        ...

    def place(self, dataset: RawDataset, day: date, recorded_at: datetime) -> str:
        """Return where the rows lie that `read` gives of a day with this `recorded_at`, in words."""
        ...

    def read(
        self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None
    ) -> pl.DataFrame:
        """Return the rows of days first..last with `date` and `recorded_at` added.

        It reads the latest delivery of each day that was recorded by `known_at`. Days that never landed are
        absent. If no day landed, the frame is empty and has the right schema.
        Raises DamagedFile, DeliveriesLost.
        """
        ...

    def scan(
        self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None
    ) -> pl.LazyFrame:
        """Return the rows that `read` gives, in no order. They are read when they are collected.

        Files are looked at now, so that a damaged one is named.
        """
        ...
