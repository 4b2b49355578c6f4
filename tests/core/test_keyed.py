"""Columns of another frame, joined by key or set beside the rows."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from nightjar.core.keyed import with_columns_of

TEXTS = {"key": pl.String(), "of": pl.String()}
KEYS = st.lists(st.sampled_from("abcde"), unique=True)


@given(KEYS, KEYS)
def test_a_row_gets_the_values_of_its_key_whatever_the_order(own: list[str], theirs: list[str]) -> None:
    rows = pl.DataFrame({"key": own, "n": range(len(own))}, schema={"key": pl.String, "n": pl.Int64})
    others = pl.DataFrame({"key": theirs, "of": [f"of {key}" for key in theirs]}, schema_overrides=TEXTS)
    told = [f"of {key}" if key in theirs else None for key in own]
    expected = rows.with_columns(pl.Series("of", told, pl.String))
    assert_frame_equal(with_columns_of(rows, others, "key"), expected)
    same = others.rename({"of": "n"})
    assert_frame_equal(with_columns_of(others, same, "key"), others.hstack(same.select("n")))
