import dataclasses
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from models import MODELS
from nightjar.adapters.raw_files import RawFiles
from nightjar.core.errors import BadDelivery, BadSettings
from nightjar.core.night import as_of
from nightjar.usecases.landing import Landing, land_file, land_until, undelivered, world_begins

SPEC = MODELS["flight_delay"]
JUNE = date(2013, 6, 15)


@pytest.fixture
def raw(tmp_path):
    return RawFiles(tmp_path / "data")


@pytest.fixture
def inbox(tmp_path):
    return tmp_path / "inbox"


def land(raw, inbox, until, first=None, spec=SPEC):
    return land_until(spec, raw=raw, inbox=inbox, until=until, first=first)


def test_on_the_evening_before_tomorrows_schedule_has_landed_and_todays_flights_have_not(raw, inbox):
    land(raw, inbox, as_of(SPEC, JUNE), first=JUNE - timedelta(days=3))
    assert max(raw.days("schedules")) == JUNE
    assert max(raw.days("flights")) == JUNE - timedelta(days=2)
    assert max(raw.days("weather")) == JUNE - timedelta(days=1)


def test_landing_goes_on_where_it_was_and_repeats_nothing(raw, inbox):
    land(raw, inbox, as_of(SPEC, JUNE), first=JUNE - timedelta(days=3))
    before = {name: raw.days(name) for name in ("schedules", "flights", "weather")}
    assert land(raw, inbox, as_of(SPEC, JUNE)).landed == 0
    assert {name: raw.days(name) for name in before} == before
    assert land(raw, inbox, as_of(SPEC, JUNE + timedelta(days=1))).landed == 3


def test_an_earlier_instant_lands_nothing(raw, inbox):
    land(raw, inbox, as_of(SPEC, JUNE), first=JUNE - timedelta(days=3))
    assert land(raw, inbox, as_of(SPEC, JUNE - timedelta(days=20))) == Landing()


def test_the_first_landing_begins_where_the_recorded_year_does(raw, inbox):
    land(raw, inbox, datetime(2013, 1, 4, tzinfo=UTC))
    assert min(raw.days("schedules")) == min(raw.days("flights")) == date(2013, 1, 1)


def test_nothing_of_the_future_lies_in_the_inbox(raw, inbox):
    """The file that is next may: whoever delivers has put it there when it is seen to be too new."""
    land(raw, inbox, as_of(SPEC, JUNE), first=JUNE - timedelta(days=3))
    assert max(path.stem for path in (inbox / "flights").iterdir()) <= str(JUNE - timedelta(days=1))


def test_a_file_corrected_since_is_landed_as_a_correction(raw, inbox):
    def amended(inbox, first, last):
        for delivery in SPEC.deliver(inbox, first, last):
            yield delivery
            if delivery.dataset == "flights" and delivery.day == JUNE:
                lines = delivery.path.read_text().splitlines()
                delivery.path.write_text("\n".join([*lines[:-2], f"# rows={len(lines) - 3}\n"]))
                yield dataclasses.replace(delivery, recorded_at=delivery.recorded_at + timedelta(minutes=1))

    until = as_of(SPEC, JUNE + timedelta(days=2))
    land(raw, inbox, until, first=JUNE)
    spec = dataclasses.replace(SPEC, deliver=amended)
    assert land(raw, inbox, until, spec=spec).corrected == 1
    assert land(raw, inbox, until, spec=spec).corrected == 0
    assert raw.read(SPEC.dataset("flights"), JUNE, JUNE).height == 800


def test_a_broken_file_stops_the_landing_and_keeps_what_came_before(raw, inbox):
    def torn(inbox, first, last):
        for delivery in SPEC.deliver(inbox, first, last):
            if delivery.dataset == "weather" and delivery.day == JUNE:
                delivery.path.write_bytes(delivery.path.read_bytes()[:500])
            yield delivery

    until = as_of(SPEC, JUNE + timedelta(days=2))
    with pytest.raises(BadDelivery, match=r"weather/2013-06-15\.csv: is truncated"):
        land(raw, inbox, until, first=JUNE, spec=dataclasses.replace(SPEC, deliver=torn))
    assert JUNE in raw.days("schedules")
    assert land(raw, inbox, until).landed > 0
    assert JUNE in raw.days("weather")


def test_one_file_can_be_landed_by_hand(raw, inbox):
    delivery = next(SPEC.deliver(inbox, JUNE, JUNE))
    assert land_file(SPEC, delivery.dataset, delivery.day, delivery.path, delivery.recorded_at, raw=raw) == "landed"
    assert raw.read(SPEC.dataset(delivery.dataset), JUNE, JUNE).select(pl.len()).item() == 801


def test_a_dataset_the_model_does_not_have_is_named(raw, inbox):
    with pytest.raises(BadSettings, match=r"no dataset 'trains'\. It has schedules, flights, weather"):
        land_file(SPEC, "trains", JUNE, inbox, datetime.now(UTC), raw=raw)


@pytest.mark.parametrize(
    ("zone", "first"), [("Pacific/Pago_Pago", date(2026, 6, 10)), ("Pacific/Kiritimati", date(2026, 6, 11)), ("UTC", date(2026, 6, 11))]
)
def test_a_living_feed_is_asked_from_the_earlier_of_both_dates_on(raw, zone, first):
    spec = dataclasses.replace(SPEC, time_zone=zone, replay_year=None)
    lookback = max(table.lookback_days for table in spec.feature_tables)
    assert world_begins(spec, datetime(2026, 6, 11, 5, tzinfo=UTC)) == first - timedelta(days=lookback)


def test_dates_without_a_population_are_told_without_landing_anything(raw, inbox):
    asked = [date(2012, 12, 31), JUNE, date(2013, 12, 31), date(2014, 1, 1)]
    assert undelivered(SPEC, asked, raw=raw, inbox=inbox) == (asked[0], asked[-1])
    assert undelivered(SPEC, [], raw=raw, inbox=inbox) == ()
    assert raw.days("schedules") == {}


def test_what_landed_too_late_for_its_night_counts_by_the_instant_that_is_named(raw, inbox):
    unfed = dataclasses.replace(SPEC, deliver=lambda inbox, first, last: iter(()))
    assert undelivered(unfed, [JUNE], raw=raw, inbox=inbox) == (JUNE,)
    next(iter(SPEC.deliver(inbox, JUNE, JUNE)))
    land_file(SPEC, "schedules", JUNE, inbox / "schedules" / f"{JUNE}.csv", as_of(SPEC, JUNE) + timedelta(hours=1), raw=raw)
    assert undelivered(unfed, [JUNE], raw=raw, inbox=inbox) == (JUNE,)
    assert undelivered(unfed, [JUNE], raw=raw, inbox=inbox, known_at=as_of(SPEC, JUNE) + timedelta(hours=2)) == ()
