"""Whom to score, and what became of them. REPLACE both functions."""

from datetime import date

import polars as pl

from models.nan.data import PLAN, RESULTS
from nightjar.core.model.spec import RawFrames


def population(raw: RawFrames, score_date: date) -> pl.DataFrame:
    """One row for each shop in the plan: its key, the keys of its features, what is known beforehand."""
    return (
        raw[PLAN.name]
        .filter(pl.col("day") == score_date)
        .select(
            entity_key(),
            "shop",
            "region",
            "promotion",
            pl.col("day").dt.weekday().cast(pl.Int64).alias("weekday"),
        )
        .sort("entity_key")
    )


def outcomes(raw: RawFrames, score_date: date) -> pl.DataFrame:
    """1 for each shop that sold out on the date, 0 for the others."""
    return (
        raw[RESULTS.name]
        .filter(pl.col("day") == score_date)
        .select(entity_key(), pl.col("sold_out").cast(pl.Int8).alias("outcome"), "recorded_at")
        .sort("entity_key")
    )


def entity_key() -> pl.Expr:
    return pl.format("{}-{}", "shop", pl.col("day").dt.to_string("%Y-%m-%d")).alias("entity_key")
