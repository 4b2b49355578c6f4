from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from models.flight_delay.datasets import FLIGHTS, WEATHER, recorded_at
from models.flight_delay.features import TABLES

TABLE = {table.name: table for table in TABLES}
JUNE = date(2013, 6, 30)


def flights(*departures):
    """(days before JUNE, carrier, dep_delay, arr_delay, cancelled), all on one flight number and route"""
    rows = []
    for number, (ago, carrier, dep_delay, arr_delay, cancelled) in enumerate(departures):
        day = JUNE - timedelta(days=ago)
        plane = (None, None, None) if cancelled else ("N1", 100 + number, 2003)
        rows.append(
            (
                day,
                carrier,
                7,
                "EWR",
                "IAH",
                *plane,
                dep_delay,
                arr_delay,
                cancelled,
                False,
                day,
                recorded_at("flights", day),
            )
        )
    schema = {**FLIGHTS.columns, "date": pl.Date(), "recorded_at": pl.Datetime("us", "UTC")}
    return {"flights": pl.DataFrame(rows, schema=schema, orient="row")}


def carrier(raw, day=JUNE):
    return TABLE["carrier"].compute(raw, day, day).to_dicts()


def test_rates_count_the_window_that_ends_with_the_day():
    raw = flights(
        (27, "UA", 0, 0, False),
        (6, "UA", None, None, True),
        (0, "UA", 30, 40, False),
        (28, "UA", 99, 99, False),
        (7, "UA", 0, 0, False),
    )
    (row,) = carrier(raw)
    assert row["carrier_late_rate_7d"] == 1.0
    assert row["carrier_cancel_rate_7d"] == 0.5
    assert row["carrier_dep_delay_7d"] == 30.0
    assert row["carrier_late_rate_28d"] == 0.5
    assert row["carrier_cancel_rate_28d"] == 0.25
    assert row["carrier_dep_delay_28d"] == 10.0


def test_a_mean_of_nothing_is_missing():
    (row,) = carrier(flights((0, "UA", None, None, True)))
    assert row["carrier_dep_delay_7d"] is None
    assert row["carrier_late_rate_7d"] == 1.0


def test_carriers_do_not_mix():
    rows = carrier(flights((0, "UA", 0, 0, False), (0, "B6", 0, 90, False)))
    assert {row["carrier"]: row["carrier_late_rate_7d"] for row in rows} == {"UA": 0.0, "B6": 1.0}


def test_a_key_has_rows_on_the_days_it_flew():
    raw = flights((3, "UA", 0, 0, False), (0, "B6", 0, 0, False))
    assert [row["carrier"] for row in carrier(raw)] == ["B6"]
    assert [row["carrier"] for row in carrier(raw, JUNE - timedelta(days=3))] == ["UA"]


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    [(date(2013, 6, 30), 4), (date(2013, 3, 9), 5), (date(2013, 3, 10), 4), (date(2013, 11, 3), 5)],
    ids=str,
)
def test_a_row_happened_when_its_local_day_ended(day, utc_hour):
    raw = flights(((JUNE - day).days, "UA", 0, 0, False))
    (row,) = carrier(raw, day)
    assert row["event_timestamp"] == datetime.combine(
        day + timedelta(days=1), datetime.min.time(), UTC
    ) + timedelta(hours=utc_hour)


def test_a_row_is_as_new_as_the_newest_file_in_its_window():
    raw = flights((27, "UA", 0, 0, False), (0, "UA", 0, 0, False))
    corrected = datetime(2013, 8, 1, tzinfo=UTC)
    late = raw["flights"].with_columns(
        recorded_at=pl.when(pl.col("date") < JUNE).then(pl.lit(corrected)).otherwise("recorded_at")
    )
    assert carrier(raw)[0]["created"] == recorded_at("flights", JUNE)
    assert carrier({"flights": late})[0]["created"] == corrected


def test_an_aircraft_is_the_mean_of_those_that_flew_the_number():
    (row,) = (
        TABLE["aircraft"]
        .compute(
            flights((2, "UA", 0, 0, False), (1, "UA", None, None, True), (0, "UA", 0, 20, False)), JUNE, JUNE
        )
        .to_dicts()
    )
    assert (row["aircraft_seats"], row["aircraft_age"], row["flight_count_28d"]) == (101.0, 10.0, 3.0)
    assert row["flight_late_rate_28d"] == pytest.approx(2 / 3)


def weather(*observations):
    """(hours after midnight UTC of JUNE, precip, wind)"""
    start = datetime(2013, 6, 30, tzinfo=UTC)
    rows = []
    for hours, precip, wind in observations:
        at = start + timedelta(hours=hours)
        rows.append(
            (
                "EWR",
                at,
                70.0,
                60.0,
                50.0,
                180.0,
                wind,
                None,
                precip,
                None,
                10.0,
                at.date(),
                recorded_at("weather", at.date()),
            )
        )
    schema = {**WEATHER.columns, "date": pl.Date(), "recorded_at": pl.Datetime("us", "UTC")}
    return {"weather": pl.DataFrame(rows, schema=schema, orient="row")}


def test_rain_is_summed_over_six_hours_across_midnight():
    rows = TABLE["weather"].compute(
        weather((-6, 0.5, 5.0), (-4, 0.1, 5.0), (0, 0.2, 5.0), (1, 0.01, 5.0)), JUNE, JUNE
    )
    assert rows["weather_precip_6h"].to_list() == [0.3, 0.31]
    assert rows["event_timestamp"].to_list() == [datetime(2013, 6, 30, hour, tzinfo=UTC) for hour in (0, 1)]
    assert rows["created"].unique().to_list() == [datetime(2013, 7, 1, 0, 10, tzinfo=UTC)]


CHANGES = (
    "weather_pressure_change_24h",
    "weather_dewp_change_24h",
    "weather_wind_from_east_change_24h",
    "weather_wind_from_north_change_24h",
)


def changes(**columns):
    """The changes up to midnight of JUNE. columns: of the weather -> the day before and then."""
    raw = weather((-24, 0.0, 5.0), (-23, 0.0, 5.0), (0, 0.0, 5.0))["weather"]
    values = {name: (before, before, now) for name, (before, now) in columns.items()}
    raw = raw.with_columns(pl.Series(name, each, dtype=pl.Float64) for name, each in values.items())
    return TABLE["weather"].compute({"weather": raw}, JUNE, JUNE).select(CHANGES).row(0)


def test_a_change_is_from_the_same_hour_of_the_day_before():
    assert changes(pressure=(1010.0, 998.5), dewp=(50.0, 61.0))[:2] == (-11.5, 11.0)
    assert changes(pressure=(None, 998.5))[0] is None


def test_a_turning_wind_changes_by_its_parts():
    turned = changes(wind_dir=(90.0, 180.0), wind_speed=(10.0, 20.0))
    assert turned[2:] == pytest.approx((-10.0, -20.0))


def test_a_calm_is_a_wind_of_no_direction():
    assert changes(wind_dir=(360.0, None), wind_speed=(10.0, 0.0))[2:] == pytest.approx((0.0, -10.0))


def test_an_observation_without_one_a_day_before_has_no_change():
    rows = TABLE["weather"].compute(weather((-23, 0.0, 5.0), (0, 0.0, 5.0)), JUNE, JUNE)
    assert rows.select(CHANGES).row(0) == (None,) * 4


def test_a_wind_no_gauge_survives_is_missing():
    assert TABLE["weather"].compute(weather((0, 0.0, 1048.36)), JUNE, JUNE)["weather_wind"].to_list() == [
        None
    ]
