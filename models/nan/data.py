"""What is delivered: two files a day. REPLACE: the columns by those of your files, `deliver` by your feed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from nightjar.core.model.spec import Delivery, RawDataset

PLAN = RawDataset(
    name="nan_plan",
    columns={"day": pl.Date(), "shop": pl.String(), "region": pl.String(), "promotion": pl.Int64()},
    keys=("shop",),
    day_column="day",
)
"""Whom to score, with what is known beforehand."""

RESULTS = RawDataset(
    name="nan_results",
    columns={"day": pl.Date(), "shop": pl.String(), "visitors": pl.Int64(), "sold_out": pl.Int64()},
    keys=("shop",),
    day_column="day",
)
"""What happened."""

SHOPS = 40


def recorded_at(dataset: str, day: date) -> datetime:
    """REPLACE: when a file's content is known (UTC). It decides what a past night could know."""
    if dataset == PLAN.name:
        return datetime.combine(day - timedelta(days=1), time(12), UTC)
    return datetime.combine(day + timedelta(days=1), time(6), UTC)


def deliver(inbox: Path, first: date, last: date) -> Iterator[Delivery]:
    """REPLACE: fetch your files of days first..last into `inbox`. Here they are made up."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    due = [
        Delivery(dataset.name, day, inbox / dataset.name / f"{day}.csv", recorded_at(dataset.name, day))
        for dataset in (PLAN, RESULTS)
        for day in days
    ]
    for delivery in sorted(due, key=lambda delivery: (delivery.recorded_at, delivery.dataset)):
        columns = PLAN.columns if delivery.dataset == PLAN.name else RESULTS.columns
        write(sample(delivery.day).select(*columns), delivery.path)
        yield delivery


def write(rows: pl.DataFrame, path: Path) -> None:
    """Write a CSV whose trailer proves that it is whole, under its name only when it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(f"{rows.write_csv()}# rows={rows.height}\n", encoding="utf-8")
    draft.replace(path)


def sample(day: date) -> pl.DataFrame:
    """REMOVE: the made-up world. The same day always gives the same rows."""
    random = np.random.default_rng(day.toordinal())
    number = np.arange(SHOPS)
    promotion = (random.random(SHOPS) < 0.3).astype(int)
    expected = 50 + 30 * promotion + 6 * (number % 8) + 15 * (day.isoweekday() > 5)
    visitors = random.poisson(expected)
    sold_out = (random.random(SHOPS) < 1 / (1 + np.exp(-(visitors - 80) / 10))).astype(int)
    return pl.DataFrame(
        {
            "day": [day] * SHOPS,
            "shop": [f"S{shop:03d}" for shop in number],
            "region": [("north", "south", "east", "west")[shop % 4] for shop in number],
            "promotion": promotion,
            "visitors": visitors,
            "sold_out": sold_out,
        },
        schema_overrides={"promotion": pl.Int64, "visitors": pl.Int64, "sold_out": pl.Int64},
    )
