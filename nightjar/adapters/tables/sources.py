"""The raw days of a model, wherever each dataset comes from: delivered files, or tables to scan."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from nightjar.adapters.tables.lake import LakeTable
from nightjar.adapters.tables.postgres import ForGood, PostgresTable
from nightjar.adapters.tables.scanned import ScannedTables
from nightjar.adapters.tables.table import Table
from nightjar.core.errors.inputs import NotDelivered
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.lost import LostDelivery
from nightjar.core.model.sources import Files, PostgresQuery
from nightjar.core.model.spec import ModelSpec, RawDataset
from nightjar.core.ports.raw import DeliveredDay, Landed, RawStore, Received


@dataclass(frozen=True, slots=True)
class RawSources:
    """Implements `RawStore`. files: the store of what is delivered."""

    files: RawStore
    tables: ScannedTables

    @classmethod
    def of(
        cls, spec: ModelSpec, files: RawStore, environment: Mapping[str, str], for_good: ForGood
    ) -> "RawSources":
        """for_good: tells a refusal of a database that a retry does not end."""
        scanned = {dataset.name: dataset for dataset in spec.datasets if not dataset.delivered}
        return cls(files, ScannedTables(scanned, lambda dataset: opened(dataset, environment, for_good)))

    def require_file(self, dataset: RawDataset, file: Path) -> None:
        self._delivered(dataset.name).require_file(dataset, file)

    def land(
        self,
        dataset: RawDataset,
        day: date,
        file: Path,
        recorded_at: datetime | None = None,
        last: date | None = None,
    ) -> Landed:
        return self._delivered(dataset.name).land(dataset, day, file, recorded_at, last)

    def recorded_as(
        self,
        dataset: RawDataset,
        day: date,
        file: Path,
        recorded_at: datetime | None = None,
        last: date | None = None,
    ) -> datetime | None:
        return self._delivered(dataset.name).recorded_as(dataset, day, file, recorded_at, last)

    def receive(
        self, dataset: RawDataset, day: date, file: Path, recorded_at: datetime, last: date | None = None
    ) -> Received:
        return self._delivered(dataset.name).receive(dataset, day, file, recorded_at, last)

    def refused(self, dataset: str) -> tuple[Refusal, ...]:
        return () if dataset in self.tables.datasets else self.files.refused(dataset)

    def settled(self, dataset: str) -> tuple[Refusal, ...]:
        return () if dataset in self.tables.datasets else self.files.settled(dataset)

    def settle(
        self, dataset: str, day: date, recorded_by: datetime | None = None, last: date | None = None
    ) -> tuple[Refusal, ...]:
        return self._delivered(dataset).settle(dataset, day, recorded_by, last)

    def lost(self, dataset: str) -> tuple[LostDelivery, ...]:
        return () if dataset in self.tables.datasets else self.files.lost(dataset)

    def take_stock(self, dataset: str) -> tuple[LostDelivery, ...]:
        return () if dataset in self.tables.datasets else self.files.take_stock(dataset)

    def give_up(self, dataset: str, day: date) -> tuple[LostDelivery, ...]:
        return () if dataset in self.tables.datasets else self.files.give_up(dataset, day)

    def believing(self, deliveries: Collection[DeliveredDay]) -> "RawSources":
        return replace(self, files=self.files.believing(deliveries))

    def listed_once(self) -> "RawSources":
        return replace(self, files=self.files.listed_once())

    def days(self, dataset: str) -> dict[date, str]:
        return self._of(dataset).days(dataset)

    def recorded(
        self, dataset: str, days: Collection[date] | None = None
    ) -> dict[date, tuple[datetime, ...]]:
        return self._of(dataset).recorded(dataset, days)

    def place(self, dataset: RawDataset, day: date, recorded_at: datetime) -> str:
        return self._of(dataset.name).place(dataset, day, recorded_at)

    def read(
        self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None
    ) -> pl.DataFrame:
        return self._of(dataset.name).read(dataset, first, last, known_at)

    def scan(
        self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None
    ) -> pl.LazyFrame:
        return self._of(dataset.name).scan(dataset, first, last, known_at)

    def _of(self, dataset: str) -> RawStore | ScannedTables:
        return self.tables if dataset in self.tables.datasets else self.files

    def _delivered(self, dataset: str) -> RawStore:
        """Raises NotDelivered for a table: nothing lands of it."""
        if dataset in self.tables.datasets:
            raise NotDelivered(dataset)
        return self.files


def opened(dataset: RawDataset, environment: Mapping[str, str], for_good: ForGood) -> Table:
    source = dataset.source
    assert not isinstance(source, Files)
    if isinstance(source, PostgresQuery):
        return PostgresTable(dataset, source, environment, for_good)
    return LakeTable(dataset, source, environment)
