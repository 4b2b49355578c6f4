"""A night tells that its champion was trained on features of other code than it reads."""

import pytest
import structlog
from structlog.testing import capture_logs

from nightjar.core.model.generations import FIRST, TRAINED_ON, Generation
from nightjar.testing.memory import MemoryFeatureFiles, MemoryInputProfiles, MemoryNights
from nightjar.testing.readings import MemoryReadings
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
