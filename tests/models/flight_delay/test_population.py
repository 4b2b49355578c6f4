from datetime import UTC, date, datetime

import polars as pl
import pytest

from models import MODELS
from models.flight_delay.datasets import FLIGHTS, SCHEDULES
from models.flight_delay.population import outcomes, population
from nightjar.usecases.data.windows import outcomes_of

SPEC = MODELS["flight_delay"]
JUNE = date(2013, 6, 15)


def schedules(*departures):
    """(carrier, flight, origin, dest, sched_dep_minute, sched_arr_minute)"""
    data = [
        (JUNE, carrier, flight, origin, dest, datetime(2013, 6, 15, tzinfo=UTC), dep, arr, 1000)
        for carrier, flight, origin, dest, dep, arr in departures
    ]
    return {"schedules": pl.DataFrame(data, schema=dict(SCHEDULES.columns), orient="row")}


def test_a_departure_is_described_by_its_schedule():
    rows = population(
        schedules(
            ("UA", 1545, "EWR", "IAH", 315, 510),
            ("B6", 1, "EWR", "BQN", 300, 30),
            ("B6", 2, "JFK", "BQN", 300, 30),
        ),
        JUNE,
    )
    assert rows["entity_key"].to_list() == [
        "B61-EWR-2013-06-15",
        "B62-JFK-2013-06-15",
        "UA1545-EWR-2013-06-15",
    ]
    assert rows["sched_block_minutes"].to_list() == [1170, 1170, 195]
    assert rows["hour_departures"].to_list() == [2, 1, 2]
    assert set(rows["weekday"]) == {6}


def test_a_departure_knows_its_place_in_the_day_of_its_airport():
    raw = schedules(
        ("UA", 1, "EWR", "IAH", 300, 510),
        ("UA", 2, "EWR", "IAH", 1000, 1200),
        ("UA", 3, "EWR", "IAH", 1000, 1200),
        ("UA", 4, "JFK", "IAH", 1000, 1200),
    )
    leaves = pl.col("sched_dep") + pl.duration(minutes="sched_dep_minute")
    rows = population({"schedules": raw["schedules"].with_columns(sched_dep=leaves)}, JUNE)
    place = ("flight", "day_departures", "day_departures_before", "day_share_before")
    assert rows.select(place).rows() == [(1, 3, 0, 0), (2, 3, 1, 1 / 3), (3, 3, 1, 1 / 3), (4, 1, 0, 0)]


def test_other_days_are_not_in_it():
    assert population(schedules(("UA", 1545, "EWR", "IAH", 315, 510)), date(2013, 6, 16)).is_empty()


@pytest.mark.parametrize(
    ("dep_delay", "arr_delay", "cancelled", "diverted", "outcome"),
    [
        (0, -20, False, False, 0),
        (90, 15, False, False, 0),
        (0, 16, False, False, 1),
        (None, None, True, False, 1),
        (5, None, False, True, 1),
        (200, None, False, False, 1),
    ],
    ids=["early", "just in time", "late", "cancelled", "diverted", "still under way"],
)
def test_the_outcome_is_one_unless_it_arrived_in_time(dep_delay, arr_delay, cancelled, diverted, outcome):
    recorded = datetime(2013, 6, 16, 10, tzinfo=UTC)
    row = (
        JUNE,
        "UA",
        1545,
        "EWR",
        "IAH",
        "N14228",
        149,
        1999,
        dep_delay,
        arr_delay,
        cancelled,
        diverted,
        recorded,
    )
    flights = pl.DataFrame(
        [row], schema={**FLIGHTS.columns, "recorded_at": pl.Datetime("us", "UTC")}, orient="row"
    )
    assert outcomes({"flights": flights}, JUNE).rows() == [("UA1545-EWR-2013-06-15", outcome, recorded)]


def test_every_recorded_departure_has_an_outcome_and_every_outcome_a_departure(world_of):
    world = world_of(SPEC)
    night = world.told[-1]
    happened = outcomes_of(SPEC, world.raw, [night], datetime.max.replace(tzinfo=UTC))
    assert set(happened["entity_key"]) == set(world.night(night)["entity_key"])
    assert set(happened["outcome"]) == {0, 1}
