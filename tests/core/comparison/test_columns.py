import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.comparison.columns import (
    LONGEST,
    as_numbers,
    categories,
    holds_categories,
    holds_numbers,
    places,
)


def numbers(values):
    return pl.DataFrame({"x": values}).select(as_numbers("x"))["x"]


def test_what_is_no_finite_number_is_missing():
    found = numbers([1.0, None, float("nan"), float("inf"), -float("inf")])
    assert found.to_list() == [1.0, None, None, None, None]


def test_flags_and_whole_numbers_are_numbers():
    assert numbers([True, False, None]).to_list() == [1.0, 0.0, None]
    assert numbers([None, None]).dtype == pl.Float64


def test_long_categories_are_cut_and_a_nul_is_replaced():
    assert categories(pl.Series(["a" * 200, "b\0", None])).to_list() == ["a" * LONGEST, "b\ufffd", None]


def test_equal_numbers_are_one_category_in_every_type():
    assert (
        categories(pl.Series([5.0, None])).to_list()
        == categories(pl.Series([5, None])).to_list()
        == ["5", None]
    )


@pytest.mark.parametrize(
    ("dtype", "as_numbers", "as_categories"),
    [
        (pl.Int8(), True, True),
        (pl.Boolean(), True, True),
        (pl.String(), False, True),
        (pl.List(pl.Int8), False, False),
        (pl.Binary(), False, False),
    ],
)
def test_which_types_can_be_compared(dtype, as_numbers, as_categories):
    assert (holds_numbers(dtype), holds_categories(dtype)) == (as_numbers, as_categories)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from(["a", "b", "c", "d", "", None])))
def test_a_text_has_its_place_among_the_known_ones_or_their_number(known, values):
    ordered = sorted({*known})
    wanted = [ordered.index(value) if value in ordered else len(ordered) for value in values]
    texts = (pl.Series(each, dtype=pl.String) for each in (ordered, values))
    assert places(*texts).tolist() == wanted
