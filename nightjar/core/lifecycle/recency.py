"""How much a row counts in training by its age."""

import polars as pl


def recency_weights(days: pl.Series, half_life_days: float) -> pl.Series:
    """The weight of each row: 1 on the newest day, half of it `half_life_days` earlier, and so on.

    days: score dates, at least one. The weights are Float64 in (0, 1], unless a row is a thousand half-lives
    old.
    """
    newest = pl.lit(days.max())
    age = (newest - pl.col(days.name)).dt.total_days()
    return days.to_frame().select(weight=0.5 ** (age / half_life_days))["weight"]
