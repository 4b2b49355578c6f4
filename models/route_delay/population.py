"""The routes that are scored on a Monday, and their outcomes."""

from datetime import date

import polars as pl

from models.route_delay.datasets import ROUTE_WEEKS
from nightjar.core.model.spec import RawFrames, Window

PAST = Window(ROUTE_WEEKS.name, days_before=28)
"""It holds the files of the last four weeks: those of the Sundays 1, 8, 15 and 22 days ago."""
COMING = Window(ROUTE_WEEKS.name, days_after=6)
"""It holds the file of the coming Sunday."""


def population(raw: RawFrames, score_date: date) -> pl.DataFrame:
    """Return each route that was flown in the last four weeks. No schedule is needed."""
    routes = raw[ROUTE_WEEKS.name].select("origin", "dest").unique()
    return routes.select(entity_key(score_date), "origin", "dest").sort("entity_key")


def outcomes(raw: RawFrames, score_date: date) -> pl.DataFrame:
    """Return the mean departure delay in minutes of the flights that left. Early is negative.

    A route of which no flight left has no outcome.
    """
    return (
        raw[ROUTE_WEEKS.name]
        .filter(pl.col("departed") > 0)
        .select(
            entity_key(score_date),
            (pl.col("delay_minutes") / pl.col("departed")).alias("outcome"),
            "recorded_at",
        )
        .sort("entity_key")
    )


def entity_key(monday: date) -> pl.Expr:
    """`EWR-IAH-2013-06-17`: a route and the Monday of its week."""
    return pl.format("{}-{}-{}", "origin", "dest", pl.lit(f"{monday}")).alias("entity_key")
