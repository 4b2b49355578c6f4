"""What `nightjar new-model` writes is a model: it imports, its features hold, and it is written whole."""

import shutil
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

import models
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.clock import as_of
from nightjar.scaffold.folder import new_model
from nightjar.usecases.data.features import build_features
from nightjar.usecases.data.landing import land_until

TODAY = date(2026, 3, 2)


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "__path__", [str(tmp_path)])
    new_model("shops", "binary", tmp_path, TODAY)
    yield models.spec_in("shops")
    for module in [name for name in sys.modules if name.startswith("models.shops")]:
        del sys.modules[module]


def test_it_lands_builds_and_learns_from_its_sample_data(spec, tmp_path):
    raw, features = RawFiles(tmp_path / "data"), FeatureDirectory(tmp_path / "data")
    night = date(2026, 2, 3)
    until = as_of(spec, night)
    land_until(spec, raw=raw, inbox=tmp_path / "inbox", until=until, first=night - timedelta(days=16))
    known = datetime(2026, 2, 2, 21, tzinfo=UTC)
    build_features(spec, raw=raw, features=features, known_at=known, recipe_of=lambda table: table.name)
    plan, results = spec.datasets
    rows = spec.population({plan.name: raw.read(plan, night, night, known_at=until)}, night)
    assert rows.height == 40
    known = spec.outcomes({results.name: raw.read(results, night - timedelta(days=9), night)})
    assert set(known["outcome"]) == {0, 1}
    assert len(list((tmp_path / "data" / "features" / spec.feature_tables[0].name).rglob("*.parquet"))) > 10


def test_a_folder_that_is_there_is_kept_and_a_bad_name_writes_nothing(tmp_path):
    before = new_model("shops", "binary", tmp_path, TODAY)
    with pytest.raises(BadSettings, match="is there already"):
        new_model("shops", "binary", tmp_path, TODAY)
    with pytest.raises(BadSettings, match="cannot be called 'My Shops'"):
        new_model("My Shops", "binary", tmp_path, TODAY)
    assert [folder.name for folder in tmp_path.iterdir()] == ["shops"]
    assert len(before) == 8
    shutil.rmtree(tmp_path / "shops")
