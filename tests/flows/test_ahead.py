"""What a scoring run needs is loaded before the run starts, and never by another process."""

from types import SimpleNamespace

import pytest

from flows import ahead
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of


@pytest.fixture
def loaded(monkeypatch):
    """The versions that were loaded, in a process that has a run of the model `toy`."""
    registry, found = MemoryRegistry(), []
    champion_of(registry)
    here = SimpleNamespace(
        registry=registry,
        prepare=lambda spec: spec,
        score_night=lambda spec: spec,
        predictors=SimpleNamespace(load=lambda spec, version: found.append((spec.name, version.number))),
    )
    monkeypatch.setattr(ahead, "platform", lambda: here)
    monkeypatch.setattr(ahead.models, "model", lambda name: toy_spec(name=name))
    monkeypatch.setattr(ahead, "flow_run", SimpleNamespace(id="a run", parameters={"model": "toy"}))
    return found


def test_the_process_of_a_run_loads_the_champion(loaded):
    ahead.begun().join()
    assert loaded == [("toy", 1)]


def test_a_process_without_a_run_loads_nothing(loaded, monkeypatch):
    monkeypatch.setattr(ahead.flow_run, "id", None)
    ahead.begun().join()
    assert loaded == []


def test_what_is_wrong_is_left_to_the_night(loaded, monkeypatch):
    def broken():
        raise OSError("no disk")

    monkeypatch.setattr(ahead, "platform", broken)
    ahead.begun().join()
    assert loaded == []
