"""What fits and scores is recorded: code, recipes, libraries and threads."""

import json
import platform
from hashlib import sha256
from importlib.metadata import version
from types import SimpleNamespace

import pytest

import models
from nightjar.adapters.surroundings import surroundings, surroundings_of, versions_of
from nightjar.core.model.record import Surroundings
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import PROJECT

LEARNERS = {"flight_delay": "catboost", "route_delay": "sklearn"}


@pytest.fixture(scope="module")
def found() -> dict[str, Surroundings]:
    return {name: surroundings(models.model(name), LEARNERS[name], Platform.recipe_of) for name in LEARNERS}


def test_each_file_of_the_models_folder_is_recorded_with_the_hash_of_its_bytes(found):
    place = PROJECT / "models"
    files = {file for file in (place / "flight_delay").rglob("*") if file.is_file()}
    hashes = {
        file.relative_to(place).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in files
        if "__pycache__" not in file.parts
    }
    code = found["flight_delay"].code
    assert {name: code[name] for name in code if name.startswith("flight_delay/")} == hashes


def test_code_that_models_share_is_recorded_and_that_of_other_models_is_not(found):
    assert {"route_delay/spec.py", "recording.py"} <= found["route_delay"].code.keys()
    assert not any(name.startswith("route_delay/") for name in found["flight_delay"].code)


def test_each_feature_table_is_recorded_with_its_recipe(found):
    spec = models.model("flight_delay")
    assert found["flight_delay"].features == {
        table.name: Platform.recipe_of(table) for table in spec.feature_tables
    }


def test_the_recipes_of_the_population_and_the_outcomes_are_recorded(found):
    for name, made in found.items():
        recorded = {"population": made.population, "outcomes": made.outcomes}
        assert recorded == Platform.recipes_of_model(models.model(name))


def test_the_libraries_that_fit_and_score_are_recorded_with_their_versions(found):
    libraries = found["flight_delay"].libraries
    assert libraries["python"] == platform.python_version()
    for name in ("catboost", "polars", "numpy"):
        assert libraries[name] == version(name)
    assert "skops" in found["route_delay"].libraries
    assert libraries == versions_of(libraries)
    assert versions_of(["no-such-library"]).keys() == {"python"}


def test_a_blend_records_the_libraries_that_were_imported_for_its_members():
    import catboost  # noqa: F401  # importing it is the point
    import sklearn  # noqa: F401  # as above

    recipe = {table.name: table.name for table in models.model("flight_delay").feature_tables}
    told = surroundings(models.model("flight_delay"), "blend", lambda table: recipe[table.name])
    assert {"catboost", "scikit-learn"} <= told.libraries.keys()


def test_thread_counts_are_recorded_and_all_of_it_is_json(found):
    assert {"cpus", "polars"} <= found["flight_delay"].threads.keys()
    told = found["flight_delay"]
    assert Surroundings.model_validate(json.loads(told.model_dump_json())) == told


def test_of_a_version_all_libraries_of_its_record_are_looked_up_whether_they_are_loaded_or_not():
    then = Surroundings(libraries={"typer": "0", "no-such-library": "1"})
    made = SimpleNamespace(algorithm="catboost", record=SimpleNamespace(surroundings=then))
    now = surroundings_of(models.model("flight_delay"), made, Platform.recipe_of).libraries
    assert now["typer"] == version("typer")
    assert "no-such-library" not in now
    assert now["catboost"] == version("catboost")
