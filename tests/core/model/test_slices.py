from dataclasses import replace

import polars as pl
import pytest

from nightjar.core.errors.model import BadSpec
from nightjar.core.model.slices import Slice
from nightjar.testing.specs import TOY

ROWS = pl.DataFrame({"city": ["OSLO", None], "minute": [359, 361]})


def test_rows_are_told_apart_by_an_input_or_by_an_expression_and_a_missing_value_is_one_too():
    by_city, by_hours = Slice(name="city", by="city"), Slice(name="hours", by=pl.col("minute") // 360)
    assert ROWS.select(by_city.value()).to_series().to_list() == ["OSLO", "missing"]
    assert ROWS.select(by_hours.value()).to_series().to_list() == ["0", "1"]
    assert (by_city.reads, by_hours.reads) == ({"city"}, {"minute"})


@pytest.mark.parametrize(
    ("slices", "problem"),
    [
        ((Slice(name="s", by="y"),), "slices 's' reads \\['y'\\], which are no inputs"),
        ((Slice(name="s", by="x"), Slice(name="s", by=pl.col("x") > 0)), "slices have a name twice"),
    ],
)
def test_a_slice_of_what_is_no_input_and_a_name_twice_are_refused(slices, problem):
    with pytest.raises(BadSpec, match=problem):
        replace(TOY, slices=slices)


def test_zero_is_one_slice_whatever_its_sign():
    rows = pl.DataFrame({"x": [0.0, -0.0, -1.5, None]})
    assert rows.select(Slice(name="x", by="x").value())["x"].to_list() == ["0.0", "0.0", "-1.5", "missing"]
