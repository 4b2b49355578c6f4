"""Replays the recorded year 2013 as weekly Parquet files. Each holds only what was known at its delivery.

models/recording.py reads the recording.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import polars as pl

from models.recording import read_departures, recorded_files
from models.route_delay.datasets import ROUTE_WEEKS, recorded_at
from nightjar.core.model.spec import Delivery
from nightjar.core.night.clock import dates_between
from nightjar.core.values import INSTANT


def deliver(inbox: Path, first: date, last: date) -> Iterator[Delivery]:
    """Put the files of the weeks that end on first..last into `inbox` and yield them, oldest first."""
    for sunday in dates_between(first, last):
        if sunday in weeks():
            path = inbox / ROUTE_WEEKS.name / f"{sunday}.parquet"
            write(weeks()[sunday], path)
            yield Delivery(ROUTE_WEEKS.name, sunday, path, recorded_at(sunday))


def write(rows: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file. It appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    rows.write_parquet(draft)
    draft.replace(path)


@cache
def weeks() -> Mapping[date, pl.DataFrame]:
    """Sunday -> the rows of its file, for each week that has ended in the recording. Read once a process.

    The first week lacks its Monday, which is in 2012.
    """
    departures = read_departures(recorded_files()).with_columns(
        week=pl.col("flight_date").dt.truncate("1w") + timedelta(days=6)
    )
    last = departures["flight_date"].max()
    ended = departures.filter(pl.col("week") <= last)
    return {key[0]: totals(rows, key[0]) for key, rows in ended.partition_by("week", as_dict=True).items()}


def totals(departures: pl.DataFrame, sunday: date) -> pl.DataFrame:
    """Return the file of one week. A flight that had not left when it was written has no delay in it."""
    left = pl.col("sched_dep") + pl.duration(minutes="dep_delay") <= pl.lit(recorded_at(sunday), INSTANT)
    return (
        departures.with_columns(dep_delay=pl.when(left).then("dep_delay"))
        .group_by(ROUTE_WEEKS.keys)
        .agg(
            flights=pl.len().cast(pl.Int64),
            departed=pl.col("dep_delay").count().cast(pl.Int64),
            delay_minutes=pl.col("dep_delay").sum(),
            schedule_minutes=pl.col("sched_dep_minute").sum(),
        )
        .select(list(ROUTE_WEEKS.columns))
        .sort(ROUTE_WEEKS.keys)
    )
