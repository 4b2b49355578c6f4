"""Rebuilding feature tables by command, and being told before."""

import pytest

import models
from nightjar.core.errors.model import ModelBroken
from nightjar.core.errors.settings import BadSettings

SPEC = models.model("flight_delay")
WEATHER = next(table for table in SPEC.feature_tables if table.name == "weather")


@pytest.fixture
def changed(world, monkeypatch):
    """The code of the table `weather` is another one."""
    known = type(world.platform).recipe_of
    monkeypatch.setattr(
        type(world.platform),
        "recipe_of",
        staticmethod(lambda table: "changed" if table.name == "weather" else known(table)),
    )


def test_a_table_whose_code_changed_is_named_before_it_is_rebuilt(run, world, changed):
    (plan,) = world.platform.prepare(SPEC).rebuilds()
    days = f"weather ({len(plan.days)} days)"
    told = f"the code of feature tables changed, and the next build makes them anew: {days}"
    assert told in " ".join(run("status").split()), "a terminal breaks the line anywhere"
    from nightjar.cli import doctor

    assert told in doctor.features(world.platform, SPEC)
    assert [generation.name for generation in world.platform.feature_files.generations(WEATHER)] in ([], [""])


def test_tables_are_as_their_code_has_them_where_nothing_changed(run, world):
    assert "the code of feature tables changed" not in " ".join(run("status").split())
    assert [plan.table.name for plan in world.platform.prepare(SPEC).rebuilds()] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--table", "weather"), "Give --rebuild with it"),
        (
            ("--rebuild", "--table", "wether"),
            "no feature table wether. It has carrier, origin, route, aircraft, weather",
        ),
    ],
)
def test_a_table_to_rebuild_is_named_in_full(run, words, told):
    with pytest.raises(BadSettings, match=told):
        run("features", "build", *words)


def test_applying_names_the_models_that_it_declares_and_those_that_it_cannot(run, monkeypatch):
    broken = ModelBroken("tiers", "cannot be imported: TypeError: no")
    monkeypatch.setattr(models, "BROKEN", {"tiers": broken})
    told = run("features", "apply")
    assert "models: flight_delay, route_delay" in told
    assert "models/tiers cannot be imported" in told
