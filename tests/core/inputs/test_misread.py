"""Features that rows were given are held to what the table holds for their keys."""

import polars as pl
import pytest

from nightjar.core.inputs.misread import misread
from nightjar.testing.specs import WEATHER

HELD = pl.DataFrame({"city": ["oslo", "rome", "cairo"], "rain": [3.0, None, 0.25]})
ROWS = pl.DataFrame({"city": ["rome", "oslo", "cairo", "oslo", "lima"], "x": range(5)}).join(
    HELD, on="city", how="left", maintain_order="left"
)


def test_the_same_values_say_nothing_nor_do_keys_that_are_not_held():
    assert not [*misread(ROWS, WEATHER, HELD)]
    assert not [*misread(ROWS.with_columns(rain=pl.lit(9.0)), WEATHER, HELD.clear())]
    assert not [*misread(ROWS.drop("rain"), WEATHER, HELD)]


@pytest.mark.parametrize(
    "rain",
    [
        pl.col("rain").shift(1),
        pl.col("rain").shift(2),
        pl.col("rain") * (1 + 1e-12),
        pl.col("rain").fill_null(0.0),
        pl.lit(None, pl.Float64),
    ],
)
def test_other_values_are_named_whatever_is_wrong_with_them(rain):
    (found,) = misread(ROWS.with_columns(rain=rain), WEATHER, HELD)
    assert (found.name, found.column) == ("misread", "rain")
    assert found.sentence.endswith("of 4. Limit: 0")
    assert "the table weather has" in found.sentence
