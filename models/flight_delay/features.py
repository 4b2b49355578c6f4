"""Feature tables: the past weeks of carriers, airports, routes and flight numbers, and the airport's weather.

Each is a pure function of raw days. There is a row for each key and each day on which it flew. Its rates
cover the days up to that day. Retrieval picks the newest row that was known in time. Sums are of integers, so
a day's row does not depend on the range in which it is computed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial

import polars as pl

from models.flight_delay.datasets import FLIGHTS, WEATHER, ZONE
from models.flight_delay.population import late
from nightjar.core.model.spec import FeatureTable, RawFrames
from nightjar.core.values import INSTANT

WEEKS = (7, 28)
"""Rates look back one week for the present situation, and four weeks for the usual one."""
LOOKBACK_DAYS = max(WEEKS) - 1
RAIN_HOURS = 6
MAX_WIND_MPH = 200
"""A gauge that shows more is broken: the recording holds 1,048 miles an hour once."""

FLIGHTS_MAX_AGE = timedelta(hours=48)
"""The flights of a day are known the next morning, 20 to 22 hours before the evening's as-of.

So one missed file is tolerated; two are not.
"""

OBSERVED = (
    "weather_temp",
    "weather_humid",
    "weather_wind",
    "weather_pressure",
    "weather_visib",
    "weather_precip_6h",
)
CHANGING = ("pressure", "dewp", "wind_from_east", "wind_from_north")
"""A front changes them within a day, and delays follow it. Of their levels a year shows one season each."""

CODE = pl.String()
NUMBER = pl.Int64()


def rates(subject: str) -> Mapping[str, pl.DataType]:
    """Return the features of a subject's record. dep_delay: mean of the flights that left, in minutes."""
    return {
        f"{subject}_{name}_{days}d": pl.Float64()
        for days in WEEKS
        for name in ("late_rate", "cancel_rate", "dep_delay")
    }


def record_of(subject: str, keys: tuple[str, ...], raw: RawFrames, first: date, last: date) -> pl.DataFrame:
    """Rates of late and cancelled departures and their mean delay, of each key on each day it flew."""
    totals = daily(
        raw,
        keys,
        {
            "late": late(),
            "cancelled": pl.col("cancelled"),
            "left": pl.col("dep_delay").is_not_null(),
            "delay": pl.col("dep_delay"),
        },
    )
    features = [
        feature.alias(f"{subject}_{name}_{days}d")
        for days in WEEKS
        for name, feature in (
            ("late_rate", ratio("late", "flights", days)),
            ("cancel_rate", ratio("cancelled", "flights", days)),
            ("dep_delay", ratio("delay", "left", days)),
        )
    ]
    return finished(over_days(totals, keys, WEEKS), keys, features, raw, first, last)


def aircraft_of(raw: RawFrames, first: date, last: date) -> pl.DataFrame:
    """Describe the usual aircraft of a flight number, as far as they are known.

    These are the mean seats and the mean age in years of its planes, and its own late rate. The plane that
    will fly is not used: a plane that is missing from the record reveals a cancellation.
    """
    keys = ("carrier", "flight")
    built = pl.col("built").is_not_null()
    totals = daily(
        raw,
        keys,
        {
            "late": late(),
            "seats": pl.col("seats"),
            "seated": pl.col("seats").is_not_null(),
            "age": pl.col("flight_date").dt.year() - pl.col("built"),
            "aged": built,
        },
    )
    days = max(WEEKS)
    features = [
        ratio("seats", "seated", days).alias("aircraft_seats"),
        ratio("age", "aged", days).alias("aircraft_age"),
        ratio("late", "flights", days).alias("flight_late_rate_28d"),
        pl.col(f"flights_{days}d").cast(pl.Float64()).alias("flight_count_28d"),
    ]
    return finished(over_days(totals, keys, [days]), keys, features, raw, first, last)


def weather_at(raw: RawFrames, first: date, last: date) -> pl.DataFrame:
    """Return a row for each observation. The newest one before a night is the night's weather.

    Rain is also summed over the last 6 hours. Changes are from the observation 24 hours earlier.
    """
    rows = with_wind(raw[WEATHER.name])
    hundredths = (pl.col("precip") * 100).round().cast(pl.Int64())
    rain = hundredths.rolling_sum_by("time_hour", window_size=f"{RAIN_HOURS}h").over("origin") / 100
    return (
        rows.join(day_before(rows), on=["origin", "time_hour"], how="left")
        .join(known_since(rows, 2), on="date")
        .with_columns(weather_precip_6h=rain)
        .filter(pl.col("date").is_between(first, last))
        .select(
            "origin",
            pl.col("temp").alias("weather_temp"),
            pl.col("humid").alias("weather_humid"),
            pl.col("wind").alias("weather_wind"),
            pl.col("pressure").alias("weather_pressure"),
            pl.col("visib").alias("weather_visib"),
            "weather_precip_6h",
            *((pl.col(name) - pl.col(f"{name}_before")).alias(change(name)) for name in CHANGING),
            "date",
            pl.col("time_hour").alias("event_timestamp"),
            "created",
        )
        .sort("event_timestamp", "origin")
    )


def with_wind(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the wind's speed as far as a gauge can be right, and its parts from the east and the north."""
    wind = pl.when(pl.col("wind_speed") <= MAX_WIND_MPH).then("wind_speed")
    direction = pl.when(wind == 0).then(0.0).otherwise("wind_dir").radians()  # a calm has none
    return rows.with_columns(
        wind=wind, wind_from_east=wind * direction.sin(), wind_from_north=wind * direction.cos()
    )


def day_before(rows: pl.DataFrame) -> pl.DataFrame:
    """What changes, as it was 24 hours before each instant."""
    return rows.select(
        "origin",
        pl.col("time_hour") + timedelta(hours=24),
        *(pl.col(name).alias(f"{name}_before") for name in CHANGING),
    )


def change(name: str) -> str:
    return f"weather_{name}_change_24h"


def daily(raw: RawFrames, keys: tuple[str, ...], counted: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Return totals of each key and day: `flights` and the `counted` columns, all whole numbers."""
    return (
        raw[FLIGHTS.name]
        .group_by("date", *keys)
        .agg(
            flights=pl.len().cast(NUMBER), **{name: expr.cast(NUMBER).sum() for name, expr in counted.items()}
        )
    )


def over_days(totals: pl.DataFrame, keys: tuple[str, ...], windows: Sequence[int]) -> pl.DataFrame:
    """Sum totals of each key over the last days, a row's own day included: `late_7d` of `late`."""
    ordered = totals.sort(*keys, "date")
    counted = pl.all().exclude(*keys, "date").sum()
    first, *others = (
        ordered.rolling("date", period=f"{days}d", group_by=keys).agg(counted.name.suffix(f"_{days}d"))
        for days in windows
    )
    return pl.concat([first, *(each.drop(*keys, "date") for each in others)], how="horizontal")


def ratio(part: str, whole: str, days: int) -> pl.Expr:
    """Divide two sums; null if the divisor is 0."""
    below = pl.col(f"{whole}_{days}d")
    return pl.when(below > 0).then(pl.col(f"{part}_{days}d") / below)


def finished(
    sums: pl.DataFrame,
    keys: tuple[str, ...],
    features: Iterable[pl.Expr],
    raw: RawFrames,
    first: date,
    last: date,
) -> pl.DataFrame:
    """Return the rows of the requested days, with the times of the last event and last recorded input."""
    midnight = (
        (pl.col("date") + timedelta(days=1))
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone(ZONE.key)
        .dt.convert_time_zone("UTC")
    )
    return (
        sums.filter(pl.col("date").is_between(first, last))
        .join(known_since(raw[FLIGHTS.name], max(WEEKS)), on="date")
        .sort("date", *keys)
        .select(*keys, *features, "date", midnight.alias("event_timestamp"), "created")
    )


def known_since(rows: pl.DataFrame, days: int) -> pl.DataFrame:
    """Return `date` and `created`: when the last file of the window that ends on the date was recorded."""
    files = rows.select("date", instant=pl.col("recorded_at").to_physical()).unique().sort("date")
    return files.select(
        "date", created=pl.col("instant").rolling_max_by("date", window_size=f"{days}d").cast(INSTANT)
    )


def record_table(subject: str, keys: Mapping[str, pl.DataType], description: str) -> FeatureTable:
    return FeatureTable(
        name=subject,
        description=description,
        keys=keys,
        features=rates(subject),
        ttl=timedelta(days=14),
        max_age=FLIGHTS_MAX_AGE,
        lookback_days=LOOKBACK_DAYS,
        sources=(FLIGHTS.name,),
        compute=partial(record_of, subject, tuple(keys)),
    )


TABLES = (
    record_table(
        "carrier", {"carrier": CODE}, "How punctual the airline was in the last one and four weeks."
    ),
    record_table(
        "origin",
        {"origin": CODE},
        "How punctual departures from the airport were in the last one and four weeks.",
    ),
    record_table(
        "route",
        {"origin": CODE, "dest": CODE},
        "How punctual flights between the two airports were in the last one and four weeks.",
    ),
    FeatureTable(
        name="aircraft",
        description=(
            "What usually flies under a flight number, and how punctual that flight was in the last four "
            "weeks."
        ),
        keys={"carrier": CODE, "flight": NUMBER},
        features={
            name: pl.Float64()
            for name in ("aircraft_seats", "aircraft_age", "flight_late_rate_28d", "flight_count_28d")
        },
        ttl=timedelta(days=28),
        max_age=FLIGHTS_MAX_AGE,
        lookback_days=LOOKBACK_DAYS,
        sources=(FLIGHTS.name,),
        compute=aircraft_of,
    ),
    FeatureTable(
        name="weather",
        description=(
            "The newest observation at the airport, and how it differs from the day before: Fahrenheit, per "
            "cent, miles an hour, millibars, miles, inches of rain in 6 hours."
        ),
        keys={"origin": CODE},
        features=dict.fromkeys((*OBSERVED, *map(change, CHANGING)), pl.Float64()),
        ttl=timedelta(hours=12),
        max_age=timedelta(hours=6),
        lookback_days=1,
        sources=(WEATHER.name,),
        compute=weather_at,
    ),
)
