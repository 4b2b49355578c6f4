import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from models import MODELS
from nightjar.adapters.contracts import check
from nightjar.core.errors.inputs import ContractBroken

SPEC = MODELS["flight_delay"]


@pytest.fixture(scope="module")
def night(world_of):
    return world_of(SPEC).night(date(2013, 3, 20)).sort("entity_key")


def with_first(frame, column, value):
    return frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 0)
        .then(pl.lit(value, frame.schema[column]))
        .otherwise(column)
        .alias(column)
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("carrier", None),
        ("carrier", "United"),
        ("origin", "ew"),
        ("origin", "SWF"),
        ("sched_dep", datetime(2014, 3, 20, 9, 15, tzinfo=UTC)),
        ("sched_dep", datetime(1, 1, 1, tzinfo=UTC)),
        ("sched_dep", None),
        ("dest", None),
        ("distance", 0),
        ("distance", None),
        ("sched_dep_minute", -1),
        ("sched_dep_minute", 1441),
        ("weekday", 8),
        ("carrier_late_rate_7d", 1.5),
        ("origin_dep_delay_28d", float("inf")),
        ("weather_temp", float("-inf")),
        ("route_cancel_rate_7d", float("nan")),
        ("aircraft_seats", 0.0),
    ],
)
def test_a_row_that_cannot_be_right_is_quarantined_alone(night, column, value):
    checked = check(SPEC, with_first(night, column, value))
    assert checked.quarantined["entity_key"].to_list() == night["entity_key"][:1].to_list()
    assert f'"{column}"' in checked.quarantined["reasons"][0]
    assert checked.valid.height == night.height - 1


@pytest.mark.parametrize("feature", [name for table in SPEC.feature_tables for name in table.features])
def test_a_departure_without_history_may_be_scored(night, feature):
    assert check(SPEC, with_first(night, feature, None)).valid.height == night.height


def test_an_unheard_of_airport_or_carrier_is_no_fault(night):
    assert check(SPEC, with_first(with_first(night, "dest", "ZZZ"), "carrier", "ZZ")).quarantined.is_empty()


def test_every_reason_of_a_row_is_kept_with_its_column_check_and_value(night):
    broken = with_first(
        with_first(with_first(night, "origin", "SWF"), "distance", -5), "weather_temp", float("inf")
    )
    reasons = json.loads(check(SPEC, broken).quarantined["reasons"][0])
    assert reasons == [
        {"column": "origin", "check": "isin(['EWR', 'JFK', 'LGA'])", "value": "SWF"},
        {"column": "distance", "check": "in_range(1, 12000)", "value": -5},
        {"column": "weather_temp", "check": "in_range(-60, 130)", "value": "inf"},
    ]


@pytest.mark.parametrize("column", SPEC.inputs)
def test_a_wrong_type_breaks_the_whole_batch(night, column):
    wrong = (
        pl.Float32
        if night.schema[column] == pl.Float64
        else pl.Categorical
        if night.schema[column] == pl.String
        else pl.Int32
    )
    with pytest.raises(ContractBroken, match=column):
        check(SPEC, night.with_columns(pl.col(column).cast(wrong)))


@pytest.mark.parametrize("column", ["entity_key", *SPEC.inputs])
def test_a_missing_column_breaks_the_whole_batch(night, column):
    with pytest.raises(ContractBroken, match=column):
        check(SPEC, night.drop(column))
