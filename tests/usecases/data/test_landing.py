import dataclasses
import os
import shutil
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from structlog.testing import capture_logs

from models import MODELS
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.errors.inputs import BadDelivery, ContractBroken
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.spec import Delivery, Window
from nightjar.core.night.clock import as_of
from nightjar.testing.specs import PLANNED, WEATHER, toy_spec
from nightjar.usecases.data.landing import (
    Landing,
    clear,
    give_up,
    land_file,
    land_until,
    lost,
    undelivered,
    world_begins,
)

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


def broken(days, change):
    """The model with a feed that delivers `weather` of some days badly."""

    def deliver(inbox, first, last):
        for delivery in SPEC.deliver(inbox, first, last):
            if delivery.dataset == "weather" and delivery.day in days:
                change(delivery.path)
            yield delivery

    return dataclasses.replace(SPEC, deliver=deliver)


def cut(path, size=500):
    path.write_bytes(path.read_bytes()[:size])


def fifo(path):
    path.unlink()
    os.mkfifo(path)


LATER = as_of(SPEC, JUNE + timedelta(days=2))


def test_a_broken_file_is_set_aside_with_its_bytes_and_told_once_and_the_others_land(raw, inbox):
    told = []
    spec = broken({JUNE}, cut)
    landing = land_until(spec, raw=raw, inbox=inbox, until=LATER, first=JUNE, tell=told.append)
    assert (landing.landed, landing.refused) == (5, 1)
    assert raw.days("weather").keys() == {JUNE + timedelta(days=1)}
    [refusal] = raw.refused("weather")
    assert told == [refusal]
    assert refusal.problem.startswith("is truncated")
    assert Path(refusal.kept).read_bytes() == (inbox / "weather" / f"{JUNE}.csv").read_bytes()
    assert refusal.recorded_at == datetime(2013, 6, 16, 0, 10, tzinfo=UTC)

    for _ in range(2):
        assert land_until(spec, raw=raw, inbox=inbox, until=LATER, tell=told.append).refused == 1
    assert told == [refusal]


@pytest.mark.timeout(20)
def test_a_fifo_in_the_inbox_is_set_aside(raw, inbox):
    assert land(raw, inbox, LATER, first=JUNE, spec=broken({JUNE}, fifo)).refused == 1
    [refusal] = raw.refused("weather")
    assert (refusal.problem, refusal.kept) == ("is a FIFO, not a regular file", None)


def test_a_good_delivery_of_the_day_lands_as_usual_and_settles_what_was_set_aside(raw, inbox):
    land(raw, inbox, LATER, first=JUNE, spec=broken({JUNE}, cut))
    assert land(raw, inbox, LATER).landed == 1
    assert raw.recorded("weather")[JUNE] == (datetime(2013, 6, 16, 0, 10, tzinfo=UTC),)
    assert raw.refused("weather") == ()


def without(day, dataset="weather"):
    """The model with a feed that delivers this day no more."""

    def deliver(inbox, first, last):
        found = SPEC.deliver(inbox, first, last)
        yield from (each for each in found if (each.dataset, each.day) != (dataset, day))

    return dataclasses.replace(SPEC, deliver=deliver)


def lose(raw, day, dataset="weather"):
    [file] = (raw.root / "raw" / dataset / f"date={day}").iterdir()
    file.unlink()
    return file


def test_a_lost_day_is_asked_for_however_much_has_landed_since_and_is_there_again(raw, inbox):
    land(raw, inbox, LATER, first=JUNE)
    land(raw, inbox, as_of(SPEC, JUNE + timedelta(days=9)))
    days, file = raw.days("weather"), lose(raw, JUNE)
    with capture_logs() as said:
        landing = land(raw, inbox, LATER, spec=without(JUNE))
    assert landing.restored == 0
    assert [each["files"] for each in said if each["event"] == "deliveries_lost"] == [[str(file)]]
    with capture_logs() as said:
        assert land(raw, inbox, LATER).restored == 1
    assert [each["day"] for each in said if each["event"] == "delivery_restored"] == [str(JUNE)]
    assert (raw.days("weather"), raw.lost("weather"), file.exists()) == (days, (), True)


def test_a_lost_file_that_is_there_again_as_a_correction_counts_as_both(raw, inbox, tmp_path):
    """The feed sends the first file once more after it had sent another one."""
    land(raw, inbox, LATER, first=JUNE)
    first, *_ = (each for each in SPEC.deliveries(inbox, JUNE, JUNE) if each.dataset == "weather")
    again, other = tmp_path / "again.csv", tmp_path / "other.csv"
    again.write_bytes(first.path.read_bytes())
    *lines, _, _ = first.path.read_text().splitlines()
    other.write_text("\n".join([*lines, f"# rows={len(lines) - 1}", ""]))
    lost_one = lose(raw, JUNE)
    assert land_file(SPEC, "weather", JUNE, other, LATER, raw=raw) == "corrected"

    def deliver(inbox, first_day, last_day):
        return [dataclasses.replace(first, path=again, recorded_at=LATER + timedelta(hours=1))]

    with capture_logs() as said:
        landing = land(
            raw, inbox, LATER + timedelta(hours=2), spec=dataclasses.replace(SPEC, deliver=deliver)
        )
    assert (landing.restored, landing.corrected) == (1, 1)
    assert [each["day"] for each in said if each["event"] == "delivery_restored"] == [str(JUNE)]
    assert lost_one.exists()


def test_what_landed_before_names_were_noted_is_noted_when_something_lands(raw, inbox):
    land(raw, inbox, LATER, first=JUNE)
    shutil.rmtree(raw.root / "landed")
    land(raw, inbox, LATER, first=JUNE + timedelta(days=1))
    file = lose(raw, JUNE)
    assert [each.file for each in lost(SPEC, raw)] == [str(file)]


def test_a_file_that_is_not_lost_cannot_be_given_up(raw, inbox):
    land(raw, inbox, LATER, first=JUNE)
    with pytest.raises(BadSettings, match=f"No file of weather {JUNE} is lost"):
        give_up(SPEC, "weather", JUNE, raw=raw)
    lose(raw, JUNE)
    assert [each.day for each in give_up(SPEC, "weather", JUNE, raw=raw)] == [JUNE]
    assert land(raw, inbox, LATER, spec=without(JUNE)).restored == 0
    assert lost(SPEC, raw) == ()


MONTHS_LATER = as_of(SPEC, JUNE + timedelta(days=60))


@pytest.fixture(scope="module")
def landed(tmp_path_factory):
    """What two months have left in the folder of a test, with a broken file of their first day."""
    folder = tmp_path_factory.mktemp("landed")
    land(RawFiles(folder / "data"), folder / "inbox", MONTHS_LATER, first=JUNE, spec=broken({JUNE}, cut))
    return folder


@pytest.fixture
def months_later(landed, tmp_path):
    shutil.copytree(landed, tmp_path, dirs_exist_ok=True)


@pytest.mark.usefixtures("months_later")
def test_a_day_that_is_set_aside_is_asked_for_however_much_has_landed_since(raw, inbox):
    assert land(raw, inbox, MONTHS_LATER).landed == 1
    assert JUNE in raw.days("weather")


@pytest.mark.usefixtures("months_later")
def test_a_night_of_the_past_asks_for_it_too(raw, inbox):
    assert land(raw, inbox, LATER) == Landing(landed=1, unchanged=2)
    assert raw.refused("weather") == ()


def test_other_bad_content_is_told_again_and_the_same_is_not(raw, inbox):
    told = []
    for size in (500, 600, 500, 600):
        land_until(
            broken({JUNE}, lambda path, size=size: cut(path, size)),
            raw=raw,
            inbox=inbox,
            until=LATER,
            first=JUNE,
            tell=told.append,
        )
    assert len(told) == len(raw.refused("weather")) == 2


def test_two_bad_files_are_set_aside_each_by_itself(raw, inbox):
    days = {JUNE, JUNE + timedelta(days=1)}
    land(raw, inbox, LATER, first=JUNE, spec=broken(days, cut))
    assert [refusal.day for refusal in raw.refused("weather")] == sorted(days)
    land(raw, inbox, LATER, spec=broken({JUNE}, cut))
    assert [refusal.day for refusal in raw.refused("weather")] == [JUNE]


def test_a_bad_file_of_a_day_that_had_landed_whole_leaves_the_day_as_it_was(raw, inbox):
    land(raw, inbox, LATER, first=JUNE)
    before = raw.days("weather"), raw.read(SPEC.dataset("weather"), JUNE, JUNE)
    assert land(raw, inbox, LATER, spec=broken({JUNE}, cut)).refused == 1
    assert raw.days("weather") == before[0]
    assert raw.read(SPEC.dataset("weather"), JUNE, JUNE).equals(before[1])
    assert len(raw.refused("weather")) == 1, "what the feed said last of the day is still bad"
    assert land(raw, inbox, LATER).unchanged > 0
    assert raw.refused("weather") == (), "whole again, with the bytes that had landed"


def test_an_earlier_good_delivery_does_not_settle_a_later_bad_one(raw, inbox):
    def torn_later(inbox, first, last):
        for delivery in SPEC.deliver(inbox, first, last):
            yield delivery
            if delivery.dataset == "weather" and delivery.day == JUNE:
                cut(delivery.path)
                yield dataclasses.replace(delivery, recorded_at=delivery.recorded_at + timedelta(hours=3))

    spec = dataclasses.replace(SPEC, deliver=torn_later)
    for until in (LATER, LATER, as_of(SPEC, JUNE + timedelta(days=1))):
        land(raw, inbox, until, first=JUNE, spec=spec)
        assert len(raw.refused("weather")) == 1


def test_the_file_landed_by_hand_settles_what_is_set_aside_until_then(raw, inbox):
    land(raw, inbox, LATER, first=JUNE, spec=broken({JUNE}, cut))
    whole = next(delivery for delivery in SPEC.deliver(inbox, JUNE, JUNE) if delivery.dataset == "weather")
    land_file(SPEC, "weather", JUNE, whole.path, whole.recorded_at - timedelta(hours=1), raw=raw)
    assert len(raw.refused("weather")) == 1, "the bad one is the newer one"
    assert land_file(SPEC, "weather", JUNE, whole.path, whole.recorded_at, raw=raw) == "unchanged"
    assert raw.refused("weather") == ()


def test_a_bad_file_landed_by_hand_is_an_error_at_once_and_leaves_nothing(raw, inbox):
    delivery = next(SPEC.deliver(inbox, JUNE, JUNE))
    cut(delivery.path)
    with pytest.raises(BadDelivery, match="is truncated"):
        land_file(SPEC, delivery.dataset, delivery.day, delivery.path, None, raw=raw)
    assert not raw.root.exists()


def test_what_is_cleared_is_told_no_more_and_what_is_not_set_aside_cannot_be_cleared(raw, inbox):
    told, spec = [], broken({JUNE}, cut)
    land_until(spec, raw=raw, inbox=inbox, until=LATER, first=JUNE, tell=told.append)
    assert [refusal.day for refusal in clear(SPEC, "weather", JUNE, raw=raw)] == [JUNE]
    land_until(spec, raw=raw, inbox=inbox, until=LATER, first=JUNE, tell=told.append)
    assert (len(told), raw.refused("weather")) == (1, ())
    with pytest.raises(BadSettings, match="Nothing of weather 2013-06-15 is set aside"):
        clear(SPEC, "weather", JUNE, raw=raw)


def test_a_bad_file_about_several_days_is_cleared_by_any_of_them(raw, inbox):
    last = JUNE + timedelta(days=2)
    for n, day in enumerate((JUNE, JUNE + timedelta(days=1), last)):
        raw.receive(SPEC.dataset("weather"), JUNE, inbox / "nowhere.csv", LATER + timedelta(hours=n), last)
        assert [refusal.about for refusal in clear(SPEC, "weather", day, raw=raw)] == [f"{JUNE} to {last}"]
    with pytest.raises(BadSettings, match="Nothing of weather"):
        clear(SPEC, "weather", last + timedelta(days=1), raw=raw)


def test_a_disk_that_fails_is_no_bad_delivery(raw, inbox, monkeypatch):
    def failing(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("nightjar.adapters.deliveries.delivered.os.open", failing)
    with pytest.raises(OSError, match="Input/output error"):
        land(raw, inbox, LATER, first=JUNE)
    assert raw.refused("schedules") == ()


def test_files_recorded_in_time_that_come_after_one_of_the_future_are_not_dropped_silently(raw, inbox):
    """The feed forgets to sort: all schedules come first, and the last of them is recorded too late."""
    datasets = [dataset.name for dataset in SPEC.datasets]

    def deliver(inbox, first, last):
        found = [*SPEC.deliver(inbox, first, last)]
        yield from sorted(found, key=lambda each: (datasets.index(each.dataset), each.recorded_at))

    told = r"gives flights 2013-06-15, recorded at .*, after schedules 2013-06-18, recorded at 2013-06-17 "
    with pytest.raises(ContractBroken, match=told):
        land(raw, inbox, LATER, first=JUNE, spec=dataclasses.replace(SPEC, deliver=deliver))


def test_a_feed_without_an_end_is_not_read_for_ever(raw, inbox):
    read = []

    def deliver(inbox, first, last):
        for n in count():
            day = first + timedelta(days=n)
            read.append(day)
            yield Delivery("weather", day, inbox / "nowhere.csv", LATER + timedelta(days=n + 1))

    assert land(raw, inbox, LATER, first=JUNE, spec=dataclasses.replace(SPEC, deliver=deliver)) == Landing()
    assert len(read) < 20


def test_one_file_can_be_landed_by_hand(raw, inbox):
    delivery = next(SPEC.deliver(inbox, JUNE, JUNE))
    assert (
        land_file(SPEC, delivery.dataset, delivery.day, delivery.path, delivery.recorded_at, raw=raw)
        == "landed"
    )
    assert raw.read(SPEC.dataset(delivery.dataset), JUNE, JUNE).select(pl.len()).item() == 801


def test_a_dataset_the_model_does_not_have_is_named(raw, inbox):
    with pytest.raises(BadSettings, match=r"no dataset 'trains'\. It has schedules, flights, weather"):
        land_file(SPEC, "trains", JUNE, inbox, datetime.now(UTC), raw=raw)


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Pacific/Pago_Pago", date(2026, 6, 10)),
        ("Pacific/Kiritimati", date(2026, 6, 11)),
        ("UTC", date(2026, 6, 11)),
    ],
)
def test_a_living_feed_is_asked_from_the_earlier_of_both_dates_on(raw, zone, first):
    spec = toy_spec(time_zone=zone, population_reads=(Window(PLANNED.name, days_before=3),))
    assert world_begins(spec, datetime(2026, 6, 11, 5, tzinfo=UTC)) == first - timedelta(days=3)


@pytest.mark.parametrize("horizon", [1, 30])
def test_a_living_feed_is_asked_for_all_days_that_the_first_features_are_computed_from(horizon):
    """A row of the day before may have its last event on the first day that counts."""
    tables = (
        dataclasses.replace(WEATHER, sources=(PLANNED.name,), lookback_days=4),
        dataclasses.replace(
            WEATHER,
            name="usual",
            features={"usual_rain": pl.Float64()},
            sources=(PLANNED.name,),
            ttl=timedelta(days=28),
            lookback_days=2,
        ),
    )
    spec = toy_spec(time_zone="UTC", feature_tables=tables, horizon_days=horizon)
    began = world_begins(spec, datetime(2026, 6, 11, 5, tzinfo=UTC))
    assert began == date(2026, 6, 11) - timedelta(days=28 + 1 + 2)


def test_dates_without_a_population_are_told_without_landing_anything(raw, inbox):
    asked = [date(2012, 12, 31), JUNE, date(2013, 12, 31), date(2014, 1, 1)]
    assert undelivered(SPEC, asked, raw=raw, inbox=inbox) == (asked[0], asked[-1])
    assert undelivered(SPEC, [], raw=raw, inbox=inbox) == ()
    assert raw.days("schedules") == {}


def test_what_landed_too_late_for_its_night_counts_by_the_instant_that_is_named(raw, inbox):
    unfed = dataclasses.replace(SPEC, deliver=lambda inbox, first, last: iter(()))
    assert undelivered(unfed, [JUNE], raw=raw, inbox=inbox) == (JUNE,)
    next(iter(SPEC.deliver(inbox, JUNE, JUNE)))
    land_file(
        SPEC,
        "schedules",
        JUNE,
        inbox / "schedules" / f"{JUNE}.csv",
        as_of(SPEC, JUNE) + timedelta(hours=1),
        raw=raw,
    )
    assert undelivered(unfed, [JUNE], raw=raw, inbox=inbox) == (JUNE,)
    assert (
        undelivered(unfed, [JUNE], raw=raw, inbox=inbox, known_at=as_of(SPEC, JUNE) + timedelta(hours=2))
        == ()
    )


def weekly(change=lambda path: None):
    """The model with a feed that delivers the weather of four days in one file, on the last of them."""

    def deliver(inbox, first, last):
        rows, days, others = [], [], []
        for delivery in SPEC.deliver(inbox, JUNE, JUNE + timedelta(days=3)):
            if delivery.dataset != "weather":
                others.append(delivery)
                continue
            lines = delivery.path.read_text().splitlines()
            rows, days = [*rows, *lines[1:-1]], [*days, delivery]
        week = dataclasses.replace(days[-1], day=JUNE, last=JUNE + timedelta(days=3))
        week.path.write_text("\n".join([lines[0], *rows, f"# rows={len(rows)}\n"]))
        change(week.path)
        yield from sorted([*others, week], key=lambda delivery: delivery.recorded_at)

    return dataclasses.replace(SPEC, deliver=deliver)


def test_a_file_about_several_days_lands_all_of_them_and_settles_the_bad_one_before_it(raw, inbox):
    until, week = as_of(SPEC, JUNE + timedelta(days=5)), [JUNE + timedelta(days=n) for n in range(4)]
    bad = weekly(lambda path: path.write_text("cut"))
    assert land(raw, inbox, until, first=JUNE, spec=bad).refused == 1
    assert raw.days("weather") == {}
    (refusal,) = raw.refused("weather")
    assert (refusal.day, refusal.last) == (week[0], week[-1])
    (file,) = [found.path for found in SPEC.deliver(inbox, JUNE, JUNE) if found.dataset == "weather"]
    land_file(SPEC, "weather", JUNE, file, refusal.recorded_at, raw=raw)
    assert raw.refused("weather") == (refusal,)  # three of its days are still lacking
    assert land(raw, inbox, until, spec=weekly()).refused == 0
    assert list(raw.days("weather")) == week
    assert raw.refused("weather") == ()
    assert land(raw, inbox, until, spec=weekly()).landed == 0
