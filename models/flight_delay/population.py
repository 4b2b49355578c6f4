"""Which rows a night scores, what is known of them beforehand, and what became of them."""

from datetime import date

import polars as pl

from models.flight_delay.datasets import FLIGHTS, SCHEDULES
from nightjar.core.model.spec import RawFrames

LATE_MINUTES = 15


def population(raw: RawFrames, score_date: date) -> pl.DataFrame:
    """Every departure scheduled for the local day: its key, the join keys of its features, its schedule.

    sched_block_minutes: from departure to arrival by the clocks at both ends, so it holds the difference of
    time zones too.
    hour_departures: how many leave the same airport within the same clock hour.
    """
    minute = pl.col("sched_dep_minute")
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
        )
        .sort("entity_key")
    )


def outcomes(raw: RawFrames) -> pl.DataFrame:
    """1 for every departure that did not arrive within 15 minutes of its schedule.

    It was late, diverted, still under way, or cancelled.
    """
    return (
        raw[FLIGHTS.name]
        .select(
            entity_key(),
            pl.col("flight_date").alias("score_date"),
            late().cast(pl.Int8).alias("outcome"),
            "recorded_at",
        )
        .sort("score_date", "entity_key")
    )


def late() -> pl.Expr:
    """Whether a departure missed its arrival.

    A flight without an arrival by the next morning is late, whatever its delay turns out to be.
    """
    return ~(pl.col("arr_delay") <= LATE_MINUTES).fill_null(value=False)


def entity_key() -> pl.Expr:
    """`UA1545-EWR-2013-06-15`: a carrier uses a flight number once a day at an airport."""
    return pl.format(
        "{}{}-{}-{}", "carrier", "flight", "origin", pl.col("flight_date").dt.to_string("%Y-%m-%d")
    ).alias("entity_key")
