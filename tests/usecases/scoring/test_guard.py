"""A night tells that its champion was trained on features of other code, and knows what it is held to."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
import structlog
from structlog.testing import capture_logs

from nightjar.core.comparison.entities import NightProfile
from nightjar.core.inputs.readings import READING
from nightjar.core.model.generations import FIRST, TRAINED_ON, Generation
from nightjar.core.night.clock import night_of
from nightjar.testing.memory import MemoryFeatureFiles, MemoryInputProfiles, MemoryNights
from nightjar.testing.readings import MemoryReadings
from nightjar.testing.runs import claimed
from nightjar.testing.specs import WEATHER, toy_spec
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
    [({TRAINED_ON: {"weather": FIRST}}, ("weather",)), ({TRAINED_ON: {"weather": "_two"}}, None), ({}, None)],
)
def test_a_champion_of_other_code_is_told_once(guard, trained, tables, monkeypatch):
    monkeypatch.setattr("nightjar.usecases.scoring.guard.log", structlog.get_logger())  # none that is cached
    with capture_logs() as logged:
        guard.tell_of_training(toy_version(params=trained), {"weather": "_two"})
    told = [line["tables"] for line in logged if line["event"] == "trained_on_other_features"]
    assert told == ([tables] if tables else [])


SATURDAY = date(2013, 6, 15)


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
    past = replace(guard, readings=kept, profiles=kept).past(claimed(night_of(guard.spec, SATURDAY)), counted)
    assert len(past.profiles) == 14
    assert [(SATURDAY - each.score_date).days for each in past.profiles][-len(last) :] == last
