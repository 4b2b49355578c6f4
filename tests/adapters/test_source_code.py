"""The recipes of the real models, by the source of their modules."""

from dataclasses import replace

from models import MODELS
from nightjar.adapters.source_code import module_source
from nightjar.core.model.recipe import recipe_of

TABLES = MODELS["flight_delay"].feature_tables


def test_each_table_of_a_model_has_a_recipe_of_its_own():
    recipes = [recipe_of(table, module_source) for table in TABLES]
    assert len(set(recipes)) == len(TABLES)
    assert recipes == [recipe_of(table, module_source) for table in TABLES]


def test_a_lambda_is_known_by_the_statement_that_holds_it():
    one, other = (replace(TABLES[0], compute=compute) for compute in (FIRST, SECOND))
    assert recipe_of(one, module_source) != recipe_of(other, module_source)


FIRST = lambda raw, first, last: raw  # noqa: E731  # what is tested
SECOND = lambda raw, first, last: raw["x"]  # noqa: E731  # what is tested


def test_a_module_that_is_not_there_or_has_no_source_has_none():
    for name in ("no.such.module", "sys", "models.flight_delay.nothing"):
        assert module_source(name) is None
    found = module_source("models.flight_delay.features")
    assert found is not None
    assert {"TABLES", "daily", "LOOKBACK_DAYS"} <= found.code.names
    assert found.values["LOOKBACK_DAYS"] == 27
