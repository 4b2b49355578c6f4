"""The three daily files that are delivered from outside, and the time when each is known."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from nightjar.core.model.spec import RawDataset
from nightjar.core.values import INSTANT

ZONE = ZoneInfo("America/New_York")

SCHEDULES = RawDataset(
    name="schedules",
    columns={
        "flight_date": pl.Date(),
        "carrier": pl.String(),
        "flight": pl.Int64(),
        "origin": pl.String(),
        "dest": pl.String(),
        "sched_dep": INSTANT,
        "sched_dep_minute": pl.Int64(),
        "sched_arr_minute": pl.Int64(),
        "distance": pl.Int64(),
    },
    keys=("carrier", "flight", "origin"),
    day_column="flight_date",
)
"""The departures scheduled for a local day.

Minutes count from local midnight at the plane's place; distance is in miles. The file names no aircraft: in
this data a missing tail number reveals a cancelled flight.
"""

FLIGHTS = RawDataset(
    name="flights",
    columns={
        "flight_date": pl.Date(),
        "carrier": pl.String(),
        "flight": pl.Int64(),
        "origin": pl.String(),
        "dest": pl.String(),
        "tailnum": pl.String(),
        "seats": pl.Int64(),
        "built": pl.Int64(),
        "dep_delay": pl.Int64(),
        "arr_delay": pl.Int64(),
        "cancelled": pl.Boolean(),
        "diverted": pl.Boolean(),
    },
    keys=("carrier", "flight", "origin"),
    nullable=frozenset({"tailnum", "seats", "built", "dep_delay", "arr_delay"}),
    day_column="flight_date",
)
"""The results of a local day's departures, as far as they were known when the file was written.

Delays are in minutes; early is negative. A flight that was still under way has no arr_delay. A flight that
was still waiting has no dep_delay. seats and built (a year) describe the aircraft that flew.
"""

WEATHER = RawDataset(
    name="weather",
    columns={
        "origin": pl.String(),
        "time_hour": INSTANT,
        "temp": pl.Float64(),
        "dewp": pl.Float64(),
        "humid": pl.Float64(),
        "wind_dir": pl.Float64(),
        "wind_speed": pl.Float64(),
        "wind_gust": pl.Float64(),
        "precip": pl.Float64(),
        "pressure": pl.Float64(),
        "visib": pl.Float64(),
    },
    keys=("origin", "time_hour"),
    nullable=frozenset({"temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "pressure"}),
    day_column="time_hour",
)
"""Hourly observations of a UTC day at the three airports.

Units: Fahrenheit, per cent, degrees, miles an hour, inches, millibars, miles.
"""


def local_instant(day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZONE).astimezone(ZoneInfo("UTC"))


def recorded_at(dataset: str, day: date) -> datetime:
    """Return when a day's file is delivered.

    Schedules come at noon of the day before. Flights come at 06:00 of the day after. Weather comes when its
    UTC day has ended.
    """
    if dataset == SCHEDULES.name:
        return local_instant(day - timedelta(days=1), time(12))
    if dataset == FLIGHTS.name:
        return local_instant(day + timedelta(days=1), time(6))
    return datetime.combine(day + timedelta(days=1), time(0, 10), ZoneInfo("UTC"))
