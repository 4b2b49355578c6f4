"""Values of two columns that may have two types."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from nightjar.core.unequal import unequal

FIRST, SECOND = pl.Enum(["a", "b"]), pl.Enum(["b", "c", "a"])
DAY, NOON = date(2013, 6, 15), datetime(2013, 6, 15, 12)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (pl.Series([1, None, 3]), pl.Series([1, None, 4]), [False, False, True]),
        (pl.Series([1.0, float("nan")]), pl.Series([None, float("nan")]), [True, False]),
        (pl.Series([1, 2]), pl.Series([1.0, 2.5]), [False, True]),
        (pl.Series(["a", "b"], dtype=FIRST), pl.Series(["a", "c"], dtype=SECOND), [False, True]),
        (pl.Series(["a"], dtype=pl.Categorical), pl.Series(["a"]), [False]),
        (pl.Series([1, None]), pl.Series(["1", None]), [True, False]),
        (pl.Series([DAY, None]), pl.Series(["2013-06-15", None]), [True, False]),
        (pl.Series([NOON]), pl.Series([NOON.replace(tzinfo=UTC)]), [True]),
        (pl.Series([None, None], dtype=pl.Null), pl.Series(["a", None]), [True, False]),
    ],
    ids=["numbers", "no numbers", "fractions", "enums", "texts", "text", "date", "zone", "nothing"],
)
def test_values_of_any_two_types_are_compared(one, other, found):
    assert unequal(one, other).to_list() == found
    assert unequal(other, one).to_list() == found
