"""The weekly file that is delivered from outside, and the time when it is known."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from nightjar.core.model.sources import Files
from nightjar.core.model.spec import RawDataset

ZONE = ZoneInfo("America/New_York")

ROUTE_WEEKS = RawDataset(
    name="route_weeks",
    columns={
        "origin": pl.String(),
        "dest": pl.String(),
        "flights": pl.Int64(),
        "departed": pl.Int64(),
        "delay_minutes": pl.Int64(),
        "schedule_minutes": pl.Int64(),
    },
    keys=("origin", "dest"),
    source=Files("parquet"),
)
"""The totals of each route in a week from Monday to Sunday. The day of a file is the Sunday.

flights: scheduled departures. departed: those that had left when the file was written. delay_minutes: the sum
of their delays; early is negative. schedule_minutes: the sum of the scheduled minutes after local midnight of
all flights. A route without a flight in the week has no row.
"""


def recorded_at(sunday: date) -> datetime:
    """Return when the file of a week is delivered: at 04:00 of the Monday after it, New York time."""
    return datetime.combine(sunday + timedelta(days=1), time(4), ZONE).astimezone(UTC)
