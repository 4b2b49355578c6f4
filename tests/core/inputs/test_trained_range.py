"""What lies far beyond the rows that a version was trained on is found, whatever the last days were like."""

import polars as pl
import pytest

from nightjar.core.inputs.trained_range import beyond_training, ranges_of

TRAINED = pl.DataFrame(
    {"rain": [0.0, None, 2.0], "flag": [1.0] * 3, "gone": [None] * 3, "name": ["a", "b", "c"]}
)
RANGES = ranges_of(TRAINED, ["rain", "flag", "gone", "name", "of another version"])


def test_a_column_without_numbers_has_no_range():
    assert RANGES == {"rain": (0, 2), "flag": (1, 1)}


@pytest.mark.parametrize(
    ("rain", "found"),
    [
        ([0.0] * 300, []),
        ([21.0] * 300, []),
        ([99.99] * 100 + [0.0] * 200, [(99.99, 22)]),
        ([99.99] * 4 + [0.0] * 296, []),
        ([99.99, 0.0, None], [(99.99, 22)]),
        ([-999.0] * 100 + [0.0] * 200, [(-999, -20)]),
        ([None] * 3, []),
    ],
)
def test_values_far_beyond_the_training_set_are_found(rain, found):
    rows = pl.DataFrame(
        {"rain": rain, "flag": [0.0] * len(rain)}, schema={"rain": pl.Float64, "flag": pl.Float64}
    )
    told = [*beyond_training(rows, RANGES)]
    assert [(each.number, each.limit) for each in told] == found
    assert all(each.column == "rain" and each.holds for each in told)
