"""Feature tables: the last four weeks of each route and of each airport.

There is a row for each Sunday and each key that flew in the four weeks up to it. Sums are of integers, so a
row does not depend on the range in which it is computed.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial

import polars as pl

from models.route_delay.datasets import ROUTE_WEEKS, ZONE
from nightjar.core.model.spec import FeatureTable, RawFrames

WEEKS = 4
WEEK = timedelta(weeks=1)
COUNTED = ("flights", "departed", "delay_minutes", "schedule_minutes")

FEATURES: Mapping[str, pl.Expr] = {
    "delay": pl.col("delay_minutes") / pl.col("departed"),
    "minute": pl.col("schedule_minutes") / pl.col("flights"),
    "flights": pl.col("flights") / WEEKS,
}
"""Made of four weeks' totals: mean delay in minutes, mean scheduled minute of the day, flights a week."""


def last_weeks(
    subject: str, keys: tuple[str, ...], names: tuple[str, ...], raw: RawFrames, first: date, last: date
) -> pl.DataFrame:
    """Return the features `names` of a subject in the four weeks up to each Sunday that has a file."""
    files = raw[ROUTE_WEEKS.name]
    # Each file counts on its own Sunday and on the next three.
    counting = pl.concat(files.with_columns(pl.col("date") + n * WEEK) for n in range(WEEKS))
    known = counting.group_by("date").agg(created=pl.col("recorded_at").max())
    totals = counting.group_by("date", *keys).agg(pl.col(COUNTED).sum())
    midnight = (pl.col("date") + timedelta(days=1)).cast(pl.Datetime("us")).dt.replace_time_zone(ZONE.key)
    return (
        totals.join(known, on="date")
        .join(files, on="date", how="semi")
        .filter(pl.col("date").is_between(first, last))
        .select(
            *keys,
            # No flight that left gives 0 / 0, which is missing here.
            *(FEATURES[name].fill_nan(None).alias(f"{subject}_{name}") for name in names),
            "date",
            midnight.dt.convert_time_zone("UTC").alias("event_timestamp"),
            "created",
        )
        .sort("date", *keys)
    )


def table(subject: str, keys: tuple[str, ...], names: tuple[str, ...], description: str) -> FeatureTable:
    return FeatureTable(
        name=f"{subject}_weeks",
        description=description,
        keys={key: pl.String() for key in keys},
        features={f"{subject}_{name}": pl.Float64() for name in names},
        ttl=WEEKS * WEEK,
        max_age=timedelta(days=8),  # on an ordinary Monday it is 5 hours; one missed file is tolerated
        lookback_days=((WEEKS - 1) * WEEK).days,
        sources=(ROUTE_WEEKS.name,),
        compute=partial(last_weeks, subject, keys, names),
    )


TABLES = (
    table("route", ("origin", "dest"), tuple(FEATURES), "How late and how often the route was flown."),
    table("airport", ("origin",), ("delay",), "How late flights left the airport."),
)
