from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from models.flight_delay.datasets import FLIGHTS, SCHEDULES, WEATHER
from models.flight_delay.source import deliver, recording

JUNE = date(2013, 6, 15)


def test_the_whole_year_is_recorded():
    days = recording()
    assert (
        sum(frame.height for frame in days[SCHEDULES.name].values())
        == sum(frame.height for frame in days[FLIGHTS.name].values())
        == 336_776
    )
    assert len(days[SCHEDULES.name]) == 365
    assert days[SCHEDULES.name][JUNE].height == 801
    assert (min(days[WEATHER.name]), max(days[WEATHER.name])) == (date(2013, 1, 1), date(2013, 12, 30))


def test_files_carry_a_header_and_a_trailer_with_the_number_of_rows(tmp_path):
    for delivery in deliver(tmp_path, JUNE, JUNE):
        header, *rows, trailer = delivery.path.read_text().splitlines()
        dataset = next(d for d in (SCHEDULES, FLIGHTS, WEATHER) if d.name == delivery.dataset)
        assert header == ",".join(dataset.columns)
        assert trailer == f"# rows={len(rows)}"
    assert {path.name for path in tmp_path.rglob("*.csv")} == {
        path.name for path in tmp_path.rglob("*") if path.is_file()
    }


def test_deliveries_come_when_they_would_be_known(tmp_path):
    found = {delivery.dataset: delivery.recorded_at for delivery in deliver(tmp_path, JUNE, JUNE)}
    assert found == {
        "schedules": datetime(2013, 6, 14, 16, tzinfo=UTC),
        "weather": datetime(2013, 6, 16, 0, 10, tzinfo=UTC),
        "flights": datetime(2013, 6, 16, 10, tzinfo=UTC),
    }


def test_a_file_tells_no_delay_of_a_flight_that_was_still_waiting_or_flying_when_it_was_written():
    late = pl.concat(recording()[FLIGHTS.name].values()).filter(
        ~pl.col("cancelled"), ~pl.col("diverted"), pl.col("arr_delay").is_null()
    )
    assert late.height == 192
    assert late["dep_delay"].null_count() == 28
    most = pl.concat(recording()[FLIGHTS.name].values())["dep_delay"].max()
    assert most < (24 + 6) * 60


def test_cancelled_and_diverted_flights_are_told_apart():
    flights = pl.concat(recording()[FLIGHTS.name].values())
    assert flights["cancelled"].sum() == 8255
    assert flights["diverted"].sum() == 1175
    assert not (flights["cancelled"] & flights["diverted"]).any()


def test_a_schedule_says_nothing_of_what_happened():
    assert not {"tailnum", "dep_delay", "arr_delay", "cancelled"} & set(SCHEDULES.columns)


def test_scheduled_minutes_are_the_local_clock_of_the_utc_instant_on_both_sides_of_the_clock_change():
    for day in (date(2013, 3, 9), date(2013, 3, 10), date(2013, 11, 3)):
        frame = recording()[SCHEDULES.name][day]
        local = frame["sched_dep"].dt.convert_time_zone("America/New_York")
        assert (local.dt.date() == day).all()
        assert (local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute() == frame["sched_dep_minute"]).all()


@pytest.mark.parametrize("day", [date(2012, 12, 31), date(2014, 1, 1)], ids=str)
def test_outside_the_recording_nothing_is_delivered(tmp_path, day):
    assert list(deliver(tmp_path, day, day)) == []


def test_the_recording_is_read_once_whatever_is_delivered(tmp_path):
    recording()
    reads = recording.cache_info().misses
    assert len(list(deliver(tmp_path, JUNE, JUNE))) == 3
    assert recording.cache_info().misses == reads


def test_a_file_appears_when_it_is_due(tmp_path):
    feed = deliver(tmp_path, JUNE, JUNE + timedelta(days=1))
    next(feed)
    assert [path.name for path in tmp_path.rglob("*.csv")] == [f"{JUNE}.csv"]
