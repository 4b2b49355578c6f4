"""The rows of a night by a key are those that a query would join, in the order of the night."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.inputs.by_key import keyed

KEYS = st.sampled_from(["a", "b", "c", None])
ROWS = st.lists(st.tuples(KEYS, st.integers(0, 2), st.integers(0, 9)), max_size=12)


def frame(rows):
    return pl.DataFrame(rows, schema={"shop": pl.String, "door": pl.Int64, "x": pl.Int64}, orient="row")


@given(ROWS.filter(len), ROWS, st.sampled_from([["shop"], ["door"], ["shop", "door"]]))
def test_it_gives_what_queries_give(now, then, key):
    rows, before = frame(now), frame(then)
    by = keyed(rows, key, before)
    once, last = (each.unique(key, keep="first", maintain_order=True) for each in (rows, before))
    assert by.once.equals(once)
    assert by.once[by.of].select(key).equals(rows.select(key))
    counted = rows.group_by(key, maintain_order=True).len()["len"]
    assert by.heights.tolist() == counted.to_list()
    both = once.join(last, on=key, maintain_order="left")
    assert by.now.equals(both.select(rows.columns))
    assert by.then["x"].equals(both["x_right"], check_names=False)


def test_without_a_night_before_no_key_is_met_again():
    by = keyed(frame([("a", 1, 1), ("a", 1, 2), (None, 1, 3)]), ["shop"])
    assert (by.again.size, by.now.height, by.then.height) == (0, 0, 0)
    assert by.pairs(["x"]).now.shape == (0, 1)
    assert by.heights.tolist() == [2, 1]


def test_values_that_one_of_both_nights_lacks_are_no_pair():
    rows, before = frame([("a", 1, 1), ("b", 1, 2)]), frame([("b", 1, None), ("a", 1, 5)])
    pairs = keyed(rows, ["shop"], before).pairs(["x"])
    assert pairs.now.tolist() == [[1.0], [pytest.approx(float("nan"), nan_ok=True)]]
    assert pairs.then.tolist() == [[5.0], [pytest.approx(float("nan"), nan_ok=True)]]


def test_keys_that_are_met_again_keep_the_order_of_the_night():
    keys = [f"key {n * 7919 % 5000}" for n in range(5000)]
    now = pl.DataFrame({"key": keys, "x": range(5000)})
    both = keyed(now, ["key"], now.reverse())
    assert both.now["key"].to_list() == keys
    assert both.now["x"].equals(both.then["x"])
