"""The recipe of rows changes with what can change them, and with nothing else."""

import textwrap
from dataclasses import replace
from datetime import time, timedelta
from functools import partial

import polars as pl
import pytest

from nightjar.core.model.definitions import Module
from nightjar.core.model.recipe import recipe_of, recipes_of_model
from nightjar.core.model.spec import Window
from nightjar.testing.specs import HAPPENED, PLANNED, WEATHER, toy_spec

FEATURES = '''
    """Features."""
    from acme.shared import scaled, tables as lookup
    from polars import col

    DAYS = 7
    HALF = DAYS / 2

    def compute(raw, first, last, factor=1):
        """Rows."""
        return scaled(raw, HALF), lookup.CITIES

    def unused():
        return 1
'''
SHARED = """
    from .tables import LIMIT

    def scaled(rows, by):
        return rows * by * LIMIT
"""
TABLES = """
    import json
    LIMIT = 3
    CITIES = json.loads("...")
    OTHER = 4
"""
SOURCES = {"acme.model.features": FEATURES, "acme.shared": SHARED, "acme.shared.tables": TABLES}


def package(**values):
    """`acme` with the sources above.

    values: what its `tables` hold, or by a module's last name the source in place of the one above.
    """

    def read(name):
        source = values.get(name.rpartition(".")[2], SOURCES.get(name))
        held = values if name == "acme.shared.tables" else {}
        parent = name if name == "acme.shared" else name.rpartition(".")[0]
        return None if source is None else Module.of(name, parent, textwrap.dedent(source), held)

    return read


def compute_of(read, name="compute", **given):
    """The function as Python would have it, without running its module's imports."""
    made = {}
    source = read("acme.model.features").code.tree
    defined = [each for each in source.body if getattr(each, "name", None) == name]
    module = type(source)(body=defined, type_ignores=[])
    exec(compile(module, "features", "exec"), made)  # the sources of this file
    made[name].__module__ = "acme.model.features"
    return partial(made[name], **given) if given else made[name]


def recipe(given=None, table=WEATHER, **values):
    read = package(**values)
    return recipe_of(replace(table, compute=compute_of(read, **(given or {}))), read)


BASE = recipe()


def changed(source, *pairs):
    for old, new in pairs:
        assert old in source
        source = source.replace(old, new)
    return source


@pytest.mark.parametrize(
    "values",
    [
        {"features": changed(FEATURES, ('"""Rows."""', '"""Other words."""'))},
        {"features": changed(FEATURES, ("DAYS = 7", "DAYS = 7  # a week"), ("raw, HALF", "raw,\n    HALF"))},
        {"features": changed(FEATURES, ("first, last", "first: int, last: str"))},
        {"features": changed(FEATURES, ("return 1", "return 2"))},
        {"tables": changed(TABLES, ("OTHER = 4", "OTHER = 5"))},
        {"shared": changed(SHARED, ("from .tables import LIMIT", "from acme.shared.tables import LIMIT"))},
    ],
    ids=["docstring", "format", "hints", "unused function", "unused constant", "import"],
)
def test_what_changes_no_row_does_not_count(values):
    assert recipe(**values) == BASE


@pytest.mark.parametrize(
    "values",
    [
        {"features": changed(FEATURES, ("raw, HALF", "raw, 2 * HALF"))},
        {"features": changed(FEATURES, ("DAYS = 7", "DAYS = 8"))},
        {"shared": changed(SHARED, ("by * LIMIT", "by + LIMIT"))},
        {"tables": changed(TABLES, ("LIMIT = 3", "LIMIT = 4"))},
        {"tables": changed(TABLES, ("LIMIT = 3", "LIMIT = 3\n    LIMIT += 1"))},
        {"CITIES": {"NYC": 1}},
        {"given": {"factor": 2}},
    ],
    ids=["function", "constant", "called", "constant there", "changed later", "read from a file", "bound"],
)
def test_what_can_change_a_row_counts_wherever_it_lies(values):
    assert recipe(**values) != BASE


def test_a_value_that_is_read_at_import_counts_by_what_it_holds():
    frames = [pl.DataFrame({"city": ["NYC"], "size": [size]}) for size in (1, 1, 2)]
    one, same, other = (recipe(CITIES=frame) for frame in frames)
    assert one == same != other


def test_bound_values_tell_tables_of_one_function_apart():
    assert len({recipe({"factor": factor}) for factor in (1, 2, (1,), "1")}) == 4


def test_a_path_of_this_machine_does_not_count():
    assert recipe(CITIES="/home/a/cities.csv") == recipe(CITIES="/srv/b/cities.csv")


@pytest.mark.parametrize(
    ("declared", "counts"),
    [
        ({"features": {"rain": pl.Float32()}}, True),
        ({"keys": {"town": pl.String()}}, True),
        ({"lookback_days": 3}, True),
        ({"sources": ("gauges",)}, True),
        ({"description": "Rain."}, False),
        ({"ttl": timedelta(days=9)}, False),
        ({"max_age": timedelta(days=1)}, False),
        ({"name": "other"}, False),
    ],
)
def test_of_the_declaration_counts_what_makes_rows(declared, counts):
    assert (recipe(table=replace(WEATHER, **declared)) != BASE) is counts


def test_code_of_another_package_does_not_count():
    read = package(features=changed(FEATURES, ("from acme.shared", "from other.shared")))
    assert recipe_of(replace(WEATHER, compute=compute_of(read)), read) == recipe_of(
        replace(WEATHER, compute=compute_of(read)),
        lambda name: read(name) if name == "acme.model.features" else None,
    )


def test_a_name_of_a_star_import_is_followed():
    named = "from acme.shared import scaled, tables as lookup"
    star = changed(FEATURES, (named, "from acme.shared import *"))
    other = changed(SHARED, ("by * LIMIT", "by + LIMIT"))
    assert recipe(features=star) != recipe(features=star, shared=other)


@pytest.mark.parametrize(
    ("values", "declared", "same"),
    [
        ({"features": changed(FEATURES, ("return 1", "return 2"))}, {}, True),
        ({"shared": changed(SHARED, ("by * LIMIT", "by + LIMIT"))}, {}, False),
        ({}, {"outcome_reads": (Window(HAPPENED.name, days_after=1),)}, False),
        ({}, {"description": "Rain."}, True),
    ],
    ids=["unused function", "called", "days that are read", "description"],
)
def test_the_recipe_of_outcomes_changes_with_what_makes_them(values, declared, same):
    def of(read, **declared):
        return recipes_of_model(toy_spec(outcomes=compute_of(read), **declared), read)["outcomes"]

    assert (of(package(**values), **declared) == of(package())) is same


@pytest.mark.parametrize(
    ("values", "declared", "same"),
    [
        ({"features": changed(FEATURES, ("return 1", "return 2"))}, {}, True),
        ({"shared": changed(SHARED, ("by * LIMIT", "by + LIMIT"))}, {}, False),
        ({}, {"population_reads": (Window(PLANNED.name, days_after=1),)}, False),
        ({}, {"as_of_time": time(15)}, False),
        ({}, {"description": "Rain."}, True),
    ],
    ids=["unused function", "called", "days that are read", "when it is read", "description"],
)
def test_the_recipe_of_the_population_changes_with_what_makes_it(values, declared, same):
    def of(read, **declared):
        return recipes_of_model(toy_spec(population=compute_of(read), **declared), read)["population"]

    assert (of(package(**values), **declared) == of(package())) is same
