"""A night doubts a champion of features or outcomes of other code, and knows what it is held to."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest

from nightjar.core.comparison.entities import NightProfile
from nightjar.core.inputs.readings import READING
from nightjar.core.model.generations import FIRST, TRAINED_ON, Generation
from nightjar.core.model.record import Record, Surroundings
from nightjar.core.night.clock import night_of
from nightjar.testing.memory import MemoryFeatureFiles, MemoryInputProfiles, MemoryNights
from nightjar.testing.readings import MemoryReadings
from nightjar.testing.runs import claimed
from nightjar.testing.specs import PLANNED, WEATHER, toy_spec
from nightjar.testing.versions import toy_version
from nightjar.usecases.scoring.guard import NightGuard


@pytest.fixture
def guard():
    files = MemoryFeatureFiles()
    for generation in (Generation(FIRST, "one"), Generation("_two", "two")):
        files.use(WEATHER, generation)
    spec = toy_spec(feature_tables=(WEATHER,), numeric=("x", "rain"))
    nights = MemoryNights()
    return NightGuard(
        spec=spec, files=files, profiles=MemoryInputProfiles(nights), readings=MemoryReadings(nights)
    )


@pytest.mark.parametrize(
    ("trained", "tables"),
    [({TRAINED_ON: {"weather": FIRST}}, ["weather"]), ({TRAINED_ON: {"weather": "_two"}}, []), ({}, [])],
)
def test_a_champion_of_other_code_is_a_doubt_about_the_night(guard, trained, tables):
    found = guard.of_training(toy_version(params=trained), {"weather": "_two"})
    assert [(each.name, each.column, each.holds) for each in found] == [
        ("trained_otherwise", table, False) for table in tables
    ]


@pytest.mark.parametrize(
    ("then", "now", "changed"),
    [
        ({"outcomes": "one"}, {"outcomes": "two"}, ["the outcomes"]),
        ({"population": "one"}, {"population": "two", "outcomes": "two"}, ["the population"]),
        ({"outcomes": "one", "population": "one"}, {"outcomes": "one", "population": "one"}, []),
        ({}, {"outcomes": "two", "population": "two"}, []),
        ({"outcomes": "one", "population": "one"}, {}, []),
    ],
    ids=["outcomes", "population", "the same", "an older record", "nothing is known"],
)
def test_a_champion_of_other_rows_is_a_doubt_about_the_night(guard, then, now, changed):
    record = Record(
        dataset_sha256="1" * 64,
        known_at=datetime(2013, 6, 1, tzinfo=UTC),
        windows={},
        embargo_days=0,
        seed=1,
        limits={},
        beside={},
        surroundings=Surroundings(**then),
    )
    version = toy_version(record=record)
    found = replace(guard, recipes_of_model=lambda _: now).of_training(version, {})
    assert [(each.name, each.column, each.holds) for each in found] == [
        ("trained_otherwise", name, False) for name in changed
    ]


SATURDAY = date(2013, 6, 15)
GONE = date(2013, 6, 9)


class Delivered:
    """Each day is recorded on the morning after it, but one that counts from an instant on or never."""

    def __init__(self, since):
        self.since = since

    def recorded(self, dataset, days):
        known = {day: datetime.combine(day + timedelta(days=1), time(6), UTC) for day in days} | {
            GONE: self.since
        }
        return {day: (instant,) for day, instant in known.items() if instant is not None}


@pytest.mark.parametrize(
    ("night", "lookback", "since", "change"),
    [
        (12, 3, None, "tonight's features lack planned 2013-06-09, and those of 2013-06-11 did not"),
        (13, 3, None, None),
        (14, 3, None, None),
        (15, 3, None, "the features of 2013-06-14 lacked planned 2013-06-09, and tonight's do not"),
        (16, 3, None, None),
        (14, 3, (13, 20), "the features of 2013-06-13 lacked planned 2013-06-09, and tonight's do not"),
        (14, 3, (12, 20), None),
        (12, 0, None, None),
    ],
)
def test_it_knows_which_day_came_into_the_gaps_of_a_table_and_left_them(
    guard, night, lookback, since, change
):
    """A night of the 15th knows the days up to the 13th."""
    table = replace(WEATHER, sources=(PLANNED.name,), lookback_days=lookback)
    guard = replace(guard, spec=toy_spec(feature_tables=(table,), numeric=("x", "rain")))
    run, last = claimed(night_of(guard.spec, date(2013, 6, night))), date(2013, 6, night - 1)
    raw = Delivered(None if since is None else datetime(2013, 6, *since, tzinfo=UTC))
    assert guard.gap_changes(run, raw, last) == ({} if change is None else {"rain": change})


@pytest.mark.parametrize("horizon", [1, 30])
def test_it_knows_the_held_days_that_features_would_be_computed_from(guard, horizon):
    """Rows may be used for two days, and look back at three."""
    table = replace(WEATHER, sources=(PLANNED.name,), lookback_days=3, ttl=timedelta(days=2))
    spec = toy_spec(feature_tables=(table,), numeric=("x", "rain"), horizon_days=horizon, time_zone="UTC")
    run = claimed(night_of(spec, SATURDAY))
    days = [run.as_of.date() - timedelta(days=n) for n in range(10)]
    held = {(day, datetime.combine(day, time(6), UTC)): None for day in days}

    class NoneCounts:
        def recorded(self, dataset):
            return {}

    told = replace(guard, spec=spec, held=lambda _: held).held_days(run, NoneCounts())
    assert told == {PLANNED.name: sorted(days)[-7:]}


class Published:
    """Readings and profiles of some published nights."""

    def __init__(self, days_before):
        self.nights = [SATURDAY - timedelta(days=n) for n in days_before]

    def published(self, model, before, most):
        return dict.fromkeys(self.nights, False)

    def of_nights(self, model, nights):
        return {}

    def samples(self, model, before, most):
        return {}

    def trailing(self, model, before, nights):
        known = [night for night in self.nights if night < before]
        return tuple(NightProfile(score_date=night, columns=()) for night in known[:nights])


@pytest.mark.parametrize(
    ("held", "last"), [((), [12, 13, 14]), ((7,), [13, 14, 15]), ((7, 14), [13, 15, 21])]
)
def test_profiles_of_the_last_nights_have_one_of_the_weekday(guard, held, last):
    kept = Published([n for n in range(1, 40) if n not in held])
    counted = pl.DataFrame([("rows", "", "", 10.0)], schema=READING, orient="row")
    guard, run = replace(guard, readings=kept, profiles=kept), claimed(night_of(guard.spec, SATURDAY))
    past = guard.past(run, Delivered(None), counted)
    assert len(past.profiles) == 14
    assert [(SATURDAY - each.score_date).days for each in past.profiles][-len(last) :] == last
