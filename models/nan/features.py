"""The features of a shop. REPLACE: keys, features, and how they are computed."""

from datetime import date, timedelta

import polars as pl

from models.nan.data import RESULTS
from nightjar.core.model.spec import FeatureTable, RawFrames
from nightjar.core.values import INSTANT

DAYS = 14


def history(raw: RawFrames, first: date, last: date) -> pl.DataFrame:
    """Each shop's last 14 days. One call over many days gives the rows of one call a day."""
    days = pl.DataFrame({"date": pl.date_range(first, last, eager=True)})
    seen = pl.col("day")
    return (
        raw[RESULTS.name]
        .drop("date")
        .join(days, how="cross")
        .filter(seen.is_between(pl.col("date") - pl.duration(days=DAYS - 1), pl.col("date")))
        .group_by("shop", "date")
        .agg(
            pl.col("visitors").mean().alias("visitors_14d"),
            pl.col("sold_out").mean().alias("sold_out_rate_14d"),
            newest=seen.max(),
            created=pl.col("recorded_at").max(),  # when the last of its inputs was known
        )
        .filter(pl.col("newest") == pl.col("date"))
        .with_columns(  # when the last event in the row had happened: at the end of its day
            event_timestamp=(pl.col("date") + pl.duration(days=1)).cast(pl.Datetime("us")).cast(INSTANT)
        )
        .select("shop", "visitors_14d", "sold_out_rate_14d", "date", "event_timestamp", "created")
        .sort("date", "shop")
    )


TABLES = (
    FeatureTable(
        name="nan_history",
        description="What happened in a shop in the last 14 days.",
        keys={"shop": pl.String()},
        features={"visitors_14d": pl.Float64(), "sold_out_rate_14d": pl.Float64()},
        ttl=timedelta(days=4),  # how long a row may be used
        lookback_days=DAYS - 1,
        sources=(RESULTS.name,),
        compute=history,
    ),
)
