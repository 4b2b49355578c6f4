"""The first champions, which `nightjar up` trains before it starts."""

from datetime import date
from types import SimpleNamespace

import models
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.cli import operations
from nightjar.core.errors.model import NoChampion


def test_each_model_without_one_is_trained_and_one_that_cannot_be_stops_no_other(world, monkeypatch, capsys):
    asked = []

    def cannot(*, model: str, today: date | None, promote: bool) -> None:
        assert (today, promote) == (None, True)
        asked.append(model)
        raise NoChampion(model)

    monkeypatch.setattr(operations, "retrain", cannot)
    operations.train_first_champions(SimpleNamespace(registry=MemoryRegistry()))
    assert asked == [*models.NAMES]
    told = capsys.readouterr().err
    assert all(name in told for name in models.NAMES)
    asked.clear()
    operations.train_first_champions(world.platform)
    assert asked == [name for name in models.NAMES if name != "flight_delay"]
