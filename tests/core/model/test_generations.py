"""Generations of feature tables: which one is built, and whether a version was trained on the same code."""

import pytest

from nightjar.core.model.generations import FIRST, Generation, made_otherwise, next_generation

KEPT = (Generation(FIRST, "one"), Generation("_two", "two"), Generation("_one-2", "one"))


@pytest.mark.parametrize(
    ("trained", "read", "told"),
    [
        (FIRST, FIRST, ()),
        (FIRST, "_two", ("carrier",)),
        (FIRST, "_one-2", ()),  # built anew by the same code
        ("_two", FIRST, ("carrier",)),
        ("_gone", "_two", ("carrier",)),
        ("_gone", "_gone", ()),
    ],
)
def test_only_another_recipe_makes_rows_otherwise(trained, read, told):
    assert made_otherwise({"carrier": trained}, {"carrier": read}, {"carrier": KEPT}) == told


def test_a_table_that_only_one_of_the_two_knows_is_left_out():
    assert made_otherwise({"old": "_two"}, {"new": FIRST}, {}) == ()
    assert made_otherwise({}, {"carrier": "_two"}, {"carrier": KEPT}) == ()


def test_what_is_built_next_is_known_to_be_by_todays_code():
    built = next_generation(KEPT, "one", afresh=True)
    assert made_otherwise({"carrier": FIRST}, {"carrier": built.name}, {"carrier": (*KEPT, built)}) == ()
