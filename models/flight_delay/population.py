"""The rows that a night scores, the facts known about them beforehand, and their outcomes."""

from datetime import date

import polars as pl

from models.flight_delay.datasets import FLIGHTS, SCHEDULES
from nightjar.core.model.spec import RawFrames

LATE_MINUTES = 15


def population(raw: RawFrames, score_date: date) -> pl.DataFrame:
    """Return each departure scheduled for the local day: its key, its features' join keys, its schedule.

    sched_block_minutes: from departure to arrival, each in local time, so it includes the difference of the
    time zones.
    hour_departures, day_departures: how many departures leave the same airport in the same clock hour, and on
    the same day. day_departures_before: how many of them are scheduled earlier; day_share_before: their
    share. Delays add up in the course of a day.
    """
    minute = pl.col("sched_dep_minute")
    of_day = pl.len().over("origin").cast(pl.Int64)
    before = pl.col("sched_dep").rank("min").over("origin").cast(pl.Int64) - 1
    return (
        raw[SCHEDULES.name]
        .filter(pl.col("flight_date") == score_date)
        .select(
            entity_key(),
            "carrier",
            "flight",
            "origin",
            "dest",
            "sched_dep",
            "sched_dep_minute",
            "sched_arr_minute",
            ((pl.col("sched_arr_minute") - minute) % (24 * 60)).alias("sched_block_minutes"),
            pl.col("flight_date").dt.weekday().cast(pl.Int64).alias("weekday"),
            "distance",
            pl.len().over("origin", minute // 60).cast(pl.Int64).alias("hour_departures"),
            of_day.alias("day_departures"),
            before.alias("day_departures_before"),
            (before / of_day).alias("day_share_before"),
        )
        .sort("entity_key")
    )


def outcomes(raw: RawFrames, score_date: date) -> pl.DataFrame:
    """Return 1 for each departure of the local day that did not arrive within 15 minutes of its schedule.

    Such a departure was late, diverted, still under way, or cancelled.
    """
    return (
        raw[FLIGHTS.name]
        .filter(pl.col("flight_date") == score_date)
        .select(entity_key(), late().cast(pl.Int8).alias("outcome"), "recorded_at")
        .sort("entity_key")
    )


def late() -> pl.Expr:
    """True if a departure did not arrive in time.

    A flight without an arrival by the next morning is late. Its later delay does not matter.
    """
    return ~(pl.col("arr_delay") <= LATE_MINUTES).fill_null(value=False)


def entity_key() -> pl.Expr:
    """`UA1545-EWR-2013-06-15`: a carrier uses a flight number once a day at an airport."""
    return pl.format(
        "{}{}-{}-{}", "carrier", "flight", "origin", pl.col("flight_date").dt.to_string("%Y-%m-%d")
    ).alias("entity_key")
