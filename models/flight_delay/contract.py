"""The contract of a departure that is to be scored.

Features may be missing (a new route has no history). Values of the schedule may not be missing. The champion
may meet a category that it never saw. A new carrier or destination is normal and is scored, because CatBoost
can do this. A fourth New York airport is an error of the feed, and `isin` rejects it.
"""

from typing import TYPE_CHECKING

import polars as pl

from models.flight_delay.datasets import ZONE
from models.flight_delay.features import TABLES
from nightjar.core.values import INSTANT

if TYPE_CHECKING:
    import pandera.polars as pa
    from pandera.api.polars.types import PolarsData

ORIGINS = ["EWR", "JFK", "LGA"]

MINUTES_A_DAY = 24 * 60
RANGES = {
    "weather_temp": (-60, 130),
    "weather_humid": (0, 100),
    "weather_wind": (0, 200),
    "weather_pressure": (850, 1100),
    "weather_visib": (0, 100),
    "weather_precip_6h": (0, 100),
    "weather_pressure_change_24h": (-150, 150),
    "weather_dewp_change_24h": (-150, 150),
    "weather_wind_from_east_change_24h": (-400, 400),
    "weather_wind_from_north_change_24h": (-400, 400),
    "aircraft_seats": (1, 1000),
    "aircraft_age": (-1, 120),
    "flight_count_28d": (1, 200),
}
"""The ranges that the units of features.py allow. A value outside is an error of the feed, not weather.

A plane may fly in the year before it counts as built.
"""
FINITE = (-1e300, 1e300)
"""The range of a feature that RANGES does not name."""
DELAY_RANGE = (-MINUTES_A_DAY, 7 * MINUTES_A_DAY)


def contract() -> "pa.DataFrameSchema":
    """The Pandera schema; other columns may stand beside these.

    NaN and infinities break it: a missing feature is null.
    """
    import pandera.polars as pa  # noqa: PLC0415  # takes seconds to import, and only checking needs it

    features = {
        name: pa.Column(pl.Float64, pa.Check.in_range(*range_of(name)), nullable=True)
        for table in TABLES
        for name in table.features
    }
    schedule = {
        "entity_key": text(r"^[A-Z0-9]{2}\d{1,4}-[A-Z]{3}-\d{4}-\d{2}-\d{2}$"),
        "carrier": text(r"^[A-Z0-9]{2}$"),
        "flight": integer(1, 9999),
        "origin": pa.Column(pl.String, pa.Check.isin(ORIGINS)),
        "dest": text(r"^[A-Z]{3}$"),
        "sched_dep": pa.Column(INSTANT, pa.Check(at_its_minute, name="is sched_dep_minute of its day")),
        "sched_dep_minute": integer(0, MINUTES_A_DAY),
        "sched_arr_minute": integer(0, MINUTES_A_DAY),
        "sched_block_minutes": integer(0, MINUTES_A_DAY),
        "weekday": integer(1, 7),
        "distance": integer(1, 12_000),
        "hour_departures": integer(1, 1000),
        "day_departures": integer(1, 10_000),
        "day_departures_before": integer(0, 10_000),
        "day_share_before": pa.Column(pl.Float64, pa.Check.in_range(0, 1)),
    }
    return pa.DataFrameSchema(schedule | features, name="flight_delay")


def at_its_minute(data: "PolarsData") -> pl.LazyFrame:
    """True if the instant, in New York time, equals the row's day and minute."""
    local = pl.col(data.key or "sched_dep").dt.convert_time_zone(ZONE.key).dt.replace_time_zone(None)
    day = pl.col("entity_key").str.tail(10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    minutes = pl.duration(minutes=pl.col("sched_dep_minute"))
    return data.lazyframe.select(local.eq_missing(day + minutes).alias("agrees"))


def range_of(feature: str) -> tuple[float, float]:
    if "_rate_" in feature:
        return 0, 1
    return DELAY_RANGE if "_dep_delay_" in feature else RANGES.get(feature, FINITE)


def text(pattern: str) -> "pa.Column":
    import pandera.polars as pa  # noqa: PLC0415  # as above

    return pa.Column(pl.String, pa.Check.str_matches(pattern))


def integer(low: int, high: int) -> "pa.Column":
    import pandera.polars as pa  # noqa: PLC0415  # as above

    return pa.Column(pl.Int64, pa.Check.in_range(low, high))
