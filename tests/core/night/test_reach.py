"""A night reads as far back as its population and the oldest row of a feature that may be used."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from nightjar.core.model.spec import RawDataset, Window
from nightjar.core.night.clock import as_of
from nightjar.core.night.reach import AHEAD, days_of_features, days_read, first_used
from nightjar.core.values import INSTANT
from nightjar.testing.specs import HAPPENED, PLANNED, WEATHER, toy_spec

NIGHT, DAY = date(2013, 6, 15), timedelta(days=1)
GAUGES = replace(PLANNED, name="gauges")
MONTHLY = replace(WEATHER, ttl=14 * DAY, lookback_days=7, sources=("gauges",))


@pytest.mark.parametrize("horizon", [0, 1, 30, 366])
def test_features_reach_back_from_the_as_of_and_not_from_the_score_date(horizon):
    spec = toy_spec(
        horizon_days=horizon, datasets=(PLANNED, HAPPENED, GAUGES), feature_tables=(MONTHLY,), time_zone="UTC"
    )
    known_on = NIGHT - horizon * DAY
    read = days_read(spec, NIGHT, as_of(spec, NIGHT))
    assert read == {"planned": (NIGHT, NIGHT), "gauges": (known_on - 22 * DAY, known_on + AHEAD)}


def test_a_row_whose_last_event_is_on_the_next_day_may_be_used():
    noon = datetime(2013, 6, 15, 12, tzinfo=UTC)
    assert first_used(MONTHLY, noon) == date(2013, 5, 31), "an event at noon of 1 June is of that day or this"


def test_a_dataset_is_read_as_far_as_the_widest_that_reads_it():
    wider = replace(MONTHLY, name="wider", features={"wind": pl.Float64()}, lookback_days=30)
    tables = (MONTHLY, replace(wider, sources=("gauges", "planned")))
    spec = toy_spec(
        datasets=(PLANNED, HAPPENED, GAUGES),
        feature_tables=tables,
        population_reads=(Window("planned", days_before=90),),
        time_zone="UTC",
    )
    instant = as_of(spec, NIGHT)
    of_features = (NIGHT - 46 * DAY, NIGHT - DAY + AHEAD)
    assert days_of_features(spec, instant) == {"gauges": of_features, "planned": of_features}
    assert days_read(spec, NIGHT, instant)["planned"] == (NIGHT - 90 * DAY, NIGHT - DAY + AHEAD)


def test_files_of_utc_days_hold_the_end_of_a_local_day():
    log = RawDataset(
        name="log", columns={"who": pl.String(), "at": INSTANT}, keys=("who", "at"), day_column="at"
    )
    spec = toy_spec(datasets=(log, HAPPENED), population_reads=(Window("log"),))
    assert days_read(spec, NIGHT, as_of(spec, NIGHT)) == {"log": (NIGHT, NIGHT + DAY)}
