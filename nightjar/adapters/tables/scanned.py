"""Datasets that are tables elsewhere, read by the contract of raw days.

A table is read where it lies. Nothing of it is copied, but for the snapshots of populations.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import polars as pl
import structlog

from nightjar.adapters.declared_rows import Misfit, Place, as_declared
from nightjar.adapters.tables.table import RECORDED, Table
from nightjar.core.errors.inputs import BadTable
from nightjar.core.model.sources import KnownAfter, ReadAtNight, RecordedAt
from nightjar.core.model.sources import Table as TableSource
from nightjar.core.model.spec import RawDataset
from nightjar.core.values import INSTANT, utc

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant of rows of which nothing says when they were known."""
HELD_S = 60.0
"""How long rows that were read are used again, unless the days are listed anew meanwhile.

Features are computed from the same rows at many instants.
"""

Open = Callable[[RawDataset], Table]
Days = tuple[str, date, date]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ScannedTables:
    """`days`, `recorded` and `read` of a `RawStore` for the datasets that are tables.

    datasets: by name. Rows whose `recorded_at` is rounded up count from that instant on.
    """

    datasets: Mapping[str, RawDataset]
    open: Open
    _held: dict[Days, tuple[float, pl.DataFrame]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def days(self, dataset: str) -> dict[date, str]:
        """Each day with a fingerprint of how many rows it has and when they were recorded."""
        summary, instants = self._summary(self.datasets[dataset])
        return {
            day: sha256(f"{rows} {instants[day]}".encode()).hexdigest()[:16]
            for day, rows in summary.select("day", "rows").iter_rows()
        }

    def recorded(
        self, dataset: str, days: Collection[date] | None = None
    ) -> dict[date, tuple[datetime, ...]]:
        _, instants = self._summary(self.datasets[dataset])
        return {day: known for day, known in instants.items() if days is None or day in days}

    # A table is one place, whenever its rows were recorded.
    def place(self, dataset: RawDataset, day: date, recorded_at: datetime) -> str:  # noqa: ARG002
        source = dataset.source
        assert isinstance(source, TableSource)
        read = " (read as it is now)" if isinstance(source.known, ReadAtNight) else ""
        return f"{source.where}, rows with {dataset.day_column} on {day}{read}"

    def read(
        self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None
    ) -> pl.DataFrame:
        limit = datetime.now(UTC) if known_at is None else utc(known_at)
        known = known_of(dataset)
        if isinstance(known, ReadAtNight) and known_at is not None:
            self._tell(dataset, limit)
        rows = stamped(self._rows(dataset, first, last), known, limit).filter(pl.col("recorded_at") <= limit)
        return newest(rows, dataset).select(*dataset.columns, "date", "recorded_at")

    def scan(
        self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None
    ) -> pl.LazyFrame:
        """The rows of `read`, all in memory: which of them count is decided with all in hand."""
        return self.read(dataset, first, last, known_at).lazy()

    def _rows(self, dataset: RawDataset, first: date, last: date) -> pl.DataFrame:
        """The rows about days first..last as declared, with `date`, and RECORDED if a column has it."""
        if not isinstance(known_of(dataset), RecordedAt):
            return self._fetched(dataset, first, last)
        now, days = time.monotonic(), (dataset.name, first, last)
        held = self._held.get(days)
        if held is None or now - held[0] > HELD_S:
            self._held.clear()  # the rows of one range at a time
            held = self._held[days] = now, self._fetched(dataset, first, last)
        return held[1]

    def _fetched(self, dataset: RawDataset, first: date, last: date) -> pl.DataFrame:
        found = self.open(dataset).rows(first, last)
        try:
            rows = as_declared(found.select(*dataset.columns), dataset, by_key(found, dataset))
            instants = recorded_of(found, by_key(found, dataset)) if RECORDED in found.columns else []
        except Misfit as error:
            raise BadTable(dataset.name, error.problem, error.remedy, error.column) from error
        return rows.with_columns(*instants, date=pl.col(dataset.day_column or "").cast(pl.Date))

    def _summary(self, dataset: RawDataset) -> tuple[pl.DataFrame, dict[date, tuple[datetime, ...]]]:
        self._held.clear()  # what is read from now on is not older than what is listed now
        summary, known = self.open(dataset).summary(), known_of(dataset)
        if summary["day"].null_count():
            remedy = "Fill it, or leave such rows out."
            raise BadTable(dataset.name, "has rows without a day", remedy, dataset.day_column)
        if isinstance(known, RecordedAt) and summary["instants"].explode().null_count():
            problem = "has rows that do not say when they were recorded"
            raise BadTable(dataset.name, problem, "Fill it, or leave such rows out.", known.column)
        return summary.sort("day"), {
            day: instants_of(known, day, instants or ())
            for day, instants in summary.sort("day").select("day", "instants").iter_rows()
        }

    def _tell(self, dataset: RawDataset, known_at: datetime) -> None:
        """Say once that a table is read as it is now, and not as it was at another instant."""
        if dataset.name not in self._told:
            self._told.add(dataset.name)
            log.warning(
                "table_has_no_past", dataset=dataset.name, asked_for=str(known_at), read="as it is now"
            )


def known_of(dataset: RawDataset) -> RecordedAt | KnownAfter | ReadAtNight:
    assert isinstance(dataset.source, TableSource)
    return dataset.source.known


def by_key(rows: pl.DataFrame, dataset: RawDataset) -> Place:
    """Rows of a table have no numbers that last."""
    return lambda row: f"the row ({', '.join(str(rows[name][row]) for name in key_of(dataset))})"


def key_of(dataset: RawDataset) -> tuple[str, ...]:
    return tuple(dict.fromkeys((dataset.day_column or "", *dataset.keys)))


def recorded_of(found: pl.DataFrame, place: Place) -> list[pl.Series]:
    """The column RECORDED, whose instants are in UTC, in microseconds. Raises Misfit."""
    instants = found[RECORDED]
    if not isinstance(instants.dtype, pl.Datetime) or instants.dtype.time_zone is None:
        remedy = "Name a column of instants with a zone in `RecordedAt`, or cast it to one."
        raise Misfit(f"says when rows were recorded as {instants.dtype}", remedy)
    if instants.null_count():
        remedy = "Fill it: a row that nobody recorded was never known."
        raise Misfit(f"does not say when {place(instants.is_null().arg_max() or 0)} was recorded", remedy)
    return [instants.dt.cast_time_unit("us")]


def instants_of(known: object, day: date, instants: Collection[datetime]) -> tuple[datetime, ...]:
    """When rows about a day became known, oldest first."""
    if isinstance(known, RecordedAt):
        return tuple(sorted({rounded_up(utc(instant), known.every) for instant in instants}))
    return (after(day, known.delay) if isinstance(known, KnownAfter) else ALWAYS,)


def rounded_up(instant: datetime, every: timedelta) -> datetime:
    return ALWAYS - (ALWAYS - instant) // every * every


def after(day: date, delay: timedelta) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + delay


def stamped(rows: pl.DataFrame, known: object, limit: datetime) -> pl.DataFrame:
    """Rows with `recorded_at`: when each counts as known.

    A table without a past is known at the instant that is asked for.
    """
    if isinstance(known, RecordedAt):
        every = known.every // timedelta(microseconds=1)
        up = -(-pl.col(RECORDED).dt.epoch("us") // every) * every
        return rows.with_columns(recorded_at=up.cast(INSTANT))
    if isinstance(known, KnownAfter):
        midnight = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return rows.with_columns(recorded_at=midnight + known.delay)
    return rows.with_columns(recorded_at=pl.lit(limit, INSTANT))


def newest(rows: pl.DataFrame, dataset: RawDataset) -> pl.DataFrame:
    """The row of each day and key that was recorded last. Raises BadTable if two were recorded at once."""
    keys = ["date", *dataset.keys]
    if RECORDED in rows.columns:
        latest = pl.col(RECORDED) == pl.col(RECORDED).max().over(keys)
        rows = rows.filter(latest)
    repeated = rows.select(pl.struct(keys).is_duplicated().arg_true()).to_series()
    if repeated.len():
        key = ", ".join(str(value) for value in rows.select(keys).row(repeated[0]))
        problem = f"{repeated.len()} rows repeat a key, first ({key})"
        remedy = "One row a day and key: remove the duplicates, or say by `RecordedAt` which is newer."
        raise BadTable(dataset.name, problem, remedy, ", ".join(dataset.keys))
    return rows.sort(keys)
