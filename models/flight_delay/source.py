"""Replays the recorded year 2013 as daily files. Each holds only facts known when it was delivered.

models/recording.py reads the recording.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import polars as pl

from models.flight_delay.datasets import FLIGHTS, SCHEDULES, WEATHER, recorded_at
from models.recording import AS_WRITTEN, read_departures, recorded_files, utc_text
from nightjar.core.model.spec import Delivery, RawDataset
from nightjar.core.values import INSTANT

TAXI = timedelta(hours=1)
"""The longest time on the ground before and after flying. A flight airborne longer ago has arrived."""

Days = Mapping[date, pl.DataFrame]


def deliver(inbox: Path, first: date, last: date) -> Iterator[Delivery]:
    """Put the files of days first..last into `inbox` and yield them in order of `recorded_at`.

    Days outside the recording have none.
    """
    due = [
        Delivery(dataset, day, inbox / dataset / f"{day}.csv", recorded_at(dataset, day))
        for dataset, days in recording().items()
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
        if day in days
    ]
    for delivery in sorted(due, key=lambda delivery: (delivery.recorded_at, delivery.dataset)):
        write(recording()[delivery.dataset][delivery.day], delivery.path)
        yield delivery


def write(rows: pl.DataFrame, path: Path) -> None:
    """Write a CSV with its trailer. The file appears whole or not at all.

    A folder at the same path stays: the landing reports it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    with draft.open("x", encoding="utf-8") as file:  # "x": it never writes to a file that an inbox holds
        file.write(f"{rows.write_csv(datetime_format=AS_WRITTEN)}# rows={rows.height}\n")
    try:
        draft.replace(path)
    except IsADirectoryError:
        draft.unlink()


@cache
def recording() -> Mapping[str, Days]:
    """Dataset name -> day -> the rows of its file. Read once a process: about half a second."""
    folder = recorded_files()
    departures = read_departures(folder)
    return {
        SCHEDULES.name: by_day(departures, SCHEDULES, pl.col("flight_date")),
        FLIGHTS.name: by_day(happened(departures, read_planes(folder)), FLIGHTS, pl.col("flight_date")),
        WEATHER.name: by_day(read_weather(folder), WEATHER, pl.col("time_hour").dt.date()),
    }


def by_day(rows: pl.DataFrame, dataset: RawDataset, day: pl.Expr) -> Days:
    """The dataset's columns, split by day and sorted by key."""
    ordered = rows.with_columns(day.alias("day")).sort("day", *dataset.keys)
    parts = ordered.select("day", *dataset.columns).partition_by("day", as_dict=True, include_key=False)
    return {key[0]: part for key, part in parts.items()}


def read_planes(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "planes.csv", glob=False, null_values=["NA", ""]).select(
        "tailnum", "seats", built="year"
    )


def read_weather(folder: Path) -> pl.DataFrame:
    rows = pl.read_csv(
        folder / "weather.csv",
        glob=False,
        null_values=["NA", ""],
        schema_overrides=dict(WEATHER.columns) | {"time_hour": pl.String()},
    )
    return rows.with_columns(time_hour=utc_text("time_hour"))


def happened(departures: pl.DataFrame, planes: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the next morning's file.

    It does not hold delays of flights that had not left, or not arrived, by then.
    """
    days = departures["flight_date"].unique()
    written = pl.col("flight_date").replace_strict(
        days, [recorded_at(FLIGHTS.name, day) for day in days], return_dtype=INSTANT
    )
    left = pl.col("sched_dep") + pl.duration(minutes="dep_delay")
    arrived = left + pl.duration(minutes="air_time") + TAXI
    cancelled = pl.col("dep_time").is_null()
    return departures.join(planes, on="tailnum", how="left").with_columns(
        dep_delay=pl.when(left <= written).then("dep_delay"),
        arr_delay=pl.when(arrived <= written).then("arr_delay"),
        cancelled=cancelled,
        diverted=~cancelled & pl.col("arr_delay").is_null(),
    )
