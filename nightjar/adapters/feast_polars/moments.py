"""The store represents time as UTC instants in whole microseconds, and windows of them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from .columns import column

UTC_US = pl.Datetime("us", "UTC")
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
NANOSECOND_YEARS = range(1679, 2261)
ISO_DATE = r"^\s*\d{4}-?\d\d-?\d\d"


def as_utc(moment: datetime) -> datetime:
    """Return the same instant in UTC. A naive time is read as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def is_zone(name: str) -> bool:
    """True if a zone is in the time zone database, as Polars requires. +05:30 is not."""
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        return False


def utc_us(name: str, dtype: pl.DataType, *, round_up: bool = False) -> pl.Expr:
    """Return a column as UTC microseconds. Naive times and dates are read as UTC, text as ISO 8601.

    round_up: finer fractions are rounded up to the next microsecond, so that a recorded instant never seems
    earlier than it was. Otherwise they are cut off.
    Raises TypeError for a column that holds no time. Raises ValueError, when the column is read, for text
    that is not a time.
    """
    expr = column(name)
    if isinstance(dtype, pl.String):
        return expr.map_batches(partial(_parsed, round_up=round_up), return_dtype=UTC_US, is_elementwise=True)
    if isinstance(dtype, (pl.Date, pl.Null)):
        return expr.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if not isinstance(dtype, pl.Datetime):
        raise TypeError(
            f"Column {name!r} is {dtype}, not a time. Make it a datetime (with or without a time zone), a "
            "date or ISO 8601 text."
        )
    if dtype.time_unit == "ns":
        whole = expr.to_physical().floordiv(1000) if not round_up else -(-expr.to_physical()).floordiv(1000)
        return whole.cast(UTC_US).alias(name)
    if dtype.time_zone is None:
        return expr.dt.replace_time_zone("UTC").cast(UTC_US)
    return expr.dt.convert_time_zone("UTC").cast(UTC_US)


def _parsed(text: pl.Series, *, round_up: bool) -> pl.Series:
    """Parse ISO 8601 text as instants.

    Polars would also accept other orders of day and month, and would cut off finer fractions.
    """
    try:
        moments = text.str.to_datetime(time_unit="us", time_zone="UTC")
    except pl.exceptions.PolarsError as error:
        raise ValueError(_no_instants(text, str(error).splitlines()[0])) from error
    if not text.str.contains(ISO_DATE).all():
        raise ValueError(_no_instants(text, "the day comes before the year"))
    if not round_up:
        return moments
    return moments + text.str.contains(r"\.\d{6}\d*[1-9]").cast(pl.Int64).cast(pl.Duration("us"))


def _no_instants(text: pl.Series, why: str) -> str:
    return (
        f"Column {text.name!r} holds text that is no time: {why}. Write all of it in one form of ISO 8601, "
        "as 2024-01-31T12:00:00Z is."
    )


@dataclass(frozen=True, slots=True)
class Window:
    """The instants [start, end], both included, UTC. start None: no lower bound."""

    start: datetime | None
    end: datetime

    @classmethod
    def reaching_back(cls, first: datetime, last: datetime, ttl: timedelta | None) -> "Window":
        """Return the window that rows at first..last may look at: [first - ttl, last]."""
        try:
            return cls(first - ttl if ttl else None, last)
        except OverflowError:
            return cls(None, last)

    def has_any(self, first: date, last: date) -> bool:
        """True if any instant of these UTC days, both included, is in the window."""
        return first <= self.end.date() and (self.start is None or last >= self.start.date())

    def holds(self, name: str, dtype: pl.DataType) -> pl.Expr:
        """Return a filter on a stored time column that Parquet statistics can answer.

        They cannot answer a filter whose bounds the stored type cannot hold.
        """
        stored, moment = column(name), utc_us(name, dtype, round_up=True)
        last = _literal(self.end, dtype)
        upper = moment <= self.end if last is None else stored <= last
        if not self.start:
            return upper
        # Finer fractions are rounded up, so a value later than `before` is not earlier than the start.
        before = _literal(self.start, dtype, US)
        return upper & (moment >= self.start if before is None else stored > before)


def _literal(moment: datetime, dtype: pl.DataType, earlier: timedelta = timedelta(0)) -> pl.Expr | None:
    """Return the instant minus `earlier`, as a value of the stored type.

    None if that type cannot hold it. For example, nanoseconds end in 2262.
    """
    if not isinstance(dtype, pl.Datetime) or (
        dtype.time_unit == "ns" and moment.year not in NANOSECOND_YEARS
    ):
        return None
    try:
        shifted = moment - earlier
        local = (
            shifted.astimezone(ZoneInfo(dtype.time_zone)) if dtype.time_zone else shifted.replace(tzinfo=None)
        )
    except OverflowError:  # near the first and the last date, another zone's date may not exist
        return None
    return pl.lit(local, dtype=dtype)
