"""Rows of an earlier night are put beside those of a later one, whatever types their columns had."""

import polars as pl
import pytest

from nightjar.core.retyped import beside

OLD, NEW = pl.Enum(["a", "b"]), pl.Enum(["b", "c", "a"])
NAIVE = pl.Series([None], dtype=pl.Datetime("us"))


@pytest.mark.parametrize(
    ("before", "tonight", "compared"),
    [
        (pl.Series(["a"]), pl.Series(["b"]), pl.Series(["a"])),
        (pl.Series(["a"], dtype=OLD), pl.Series(["c"], dtype=NEW), pl.Series(["a"])),
        (pl.Series(["a"], dtype=OLD), pl.Series(["b"], dtype=OLD), pl.Series(["a"], dtype=OLD)),
        (pl.Series([1]), pl.Series([1.5]), pl.Series([1])),
        (NAIVE, NAIVE.dt.replace_time_zone("UTC"), None),
    ],
    ids=["the same", "another enum", "the same enum", "fractions", "another clock"],
)
def test_a_night_is_compared_with_nights_in_which_a_column_had_another_type(before, tonight, compared):
    known = beside(pl.DataFrame({"c": tonight}), pl.DataFrame({"c": before}))
    if compared is None:
        assert "c" not in known.columns
    else:
        assert known["c"].equals(compared, check_dtypes=True)
    pl.concat([pl.DataFrame({"c": tonight}), known], how="diagonal_relaxed")
