"""Two versions of a toy model side by side, from stores in memory."""

from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.adapters.contracts import Checked
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.night import NotPublished
from nightjar.core.errors.settings import NoVersion
from nightjar.core.model.record import Surroundings
from nightjar.core.night.clock import night_of
from nightjar.testing.nights import in_memory
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of, registered
from nightjar.usecases.lifecycle import differences
from nightjar.usecases.lifecycle.differences import Differences
from nightjar.usecases.lifecycle.holdings import held

DAY = date(2013, 6, 15)
LEVEL = Formulas(lambda version: pl.col("x") / 20 + version.number / 4)
"""Version 1 gives each row a quarter less than version 2."""


class Raw(Steady):
    def read(self, dataset, first, last, known_at=None):
        return pl.DataFrame({"entity_key": [f"k{n}" for n in range(9)], "x": [float(n) for n in range(9)]})


class Features:
    def retrieve(self, spec, entities):
        return entities


def check(spec, frame):
    aside = {"entity_key": pl.String, "reasons": pl.String, "row": pl.String}
    return Checked(valid=frame, quarantined=pl.DataFrame(schema=aside))


@pytest.fixture
def night(tmp_path):
    registry, spec = MemoryRegistry(), toy_spec()
    champion_of(registry, params={"depth": 4})
    registered(registry, params={"depth": 6}, artifact_sha256="2" * 64)
    return in_memory(
        spec=spec,
        raw=Raw(),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{tmp_path}"),
        predictors=LEVEL,
        registry=registry,
        check=check,
    )


def test_both_versions_score_the_latest_published_night(night):
    for day in (DAY, DAY + timedelta(days=1)):
        night.run(night_of(night.inputs.spec, day))
    found = Differences(night.inputs, night.store).between(1, 2)
    assert [(one.what, one.first, one.second) for one in found.parameters] == [("depth", "4", "6")]
    assert (found.data, found.code) == ((), ())
    assert (found.scores.score_date, found.scores.rows) == (DAY + timedelta(days=1), 9)
    assert found.scores.mean == pytest.approx(0.25)
    assert found.scores.rank_correlation == pytest.approx(1)
    earlier = Differences(night.inputs, night.store).between(2, 1, DAY)
    assert (earlier.scores.score_date, earlier.scores.mean) == (DAY, pytest.approx(-0.25))


def test_without_a_published_night_the_rest_is_compared(night):
    differences = Differences(night.inputs, night.store)
    assert differences.between(1, 2).scores is None
    with pytest.raises(NotPublished):
        differences.between(1, 2, DAY)
    with pytest.raises(NoVersion):
        differences.between(1, 3)


def test_roles_are_those_of_now_and_those_for_a_night(night):
    spec, registry = night.inputs.spec, night.inputs.registry
    registry.promote(registry.version("toy", 2), "champion", "better")
    registry.promote(registry.version("toy", 1), "challenger", "to compare")
    newest, oldest = held(registry, "toy", night_of(spec, DAY))
    assert (newest.version.number, newest.roles, newest.roles_then) == (2, ("champion",), ("champion",))
    assert (oldest.roles, oldest.roles_then) == (("challenger",), ("challenger",))
    before = held(registry, "toy", night_of(spec, date(2013, 5, 1)))
    assert [one.roles_then for one in before] == [(), ()]


def test_a_pool_of_threads_of_a_library_that_is_not_loaded_is_no_change(monkeypatch):
    kept = {"commit": "a", "libraries": {"polars": "1", "gone": "1"}, "threads": {"cpus": 2, "openmp": 2}}
    monkeypatch.setattr(differences, "code_of", lambda version: kept)
    now = Surroundings(libraries={"polars": "2"}, threads={"cpus": 4})
    assert differences.changed_since(None, "a", now) == (
        "libraries.gone was 1 and is gone",
        "libraries.polars was 1 and is 2",
        "threads.cpus was 2 and is 4",
    )
