"""How two versions differ: what they were made of, and their scores of one night."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.differing import (
    LARGEST,
    Change,
    Measured,
    beside,
    changes,
    parameters_of,
    score_difference,
    slices_of,
)
from nightjar.core.lifecycle.evidence import Evidence, SliceLoss
from nightjar.testing.versions import toy_version

DAY = date(2013, 6, 15)


def difference(first, second):
    keys = [f"k{n:03}" for n in range(len(first))]
    rows = {"entity_key": keys, "first": first, "second": second}
    types = {"entity_key": pl.String, "first": pl.Float64, "second": pl.Float64}
    return score_difference(7, DAY, pl.DataFrame(rows, schema=types))


def test_only_facts_that_differ_are_told_by_their_whole_name():
    first = {"depth": 6, "libraries": {"polars": "1.0", "numpy": "2.0"}}
    second = {"depth": 6, "libraries": {"polars": "1.1", "numpy": "2.0"}, "trees": 40}
    assert changes(first, second) == (
        Change(what="libraries.polars", first="1.0", second="1.1"),
        Change(what="trees", first=None, second="40"),
    )


def test_the_windows_of_the_rows_are_no_parameters():
    version = toy_version(params={"depth": 6, "windows": {"fitted": {"rows": 10}}})
    assert parameters_of(version) == {"algorithm": "formula", "depth": 6}


def test_a_number_that_one_version_lacks_stands_beside_nothing():
    first, second = Measured(value=0.7), Measured(value=0.2, low=0.1, high=0.3)
    found = {row.what: (row.first, row.second) for row in beside({"auc": first}, {"brier": second})}
    assert found == {"auc": (first, None), "brier": (None, second)}


def test_a_slice_has_its_interval_where_there_are_nights_enough_for_one():
    of = {"slice": "carrier", "beside": Of.CHAMPION, "rows": 100}
    few, many = Estimate(value=1.1, nights=3), Estimate(value=0.9, nights=30, error=0.1, degrees=29)
    evidence = Evidence(
        nights=(),
        metrics={},
        comparisons=(),
        slices=(SliceLoss(value="AA", found=few, **of), SliceLoss(value="UA", found=many, **of)),
    )
    found = slices_of(evidence)
    assert found["carrier AA, over champion"] == Measured(value=1.1)
    low, high = found["carrier UA, over champion"].low, found["carrier UA, over champion"].high
    assert (low, high) == pytest.approx((0.695, 1.105), abs=0.001)
    assert slices_of(None) == {}


def test_the_largest_moves_come_first_and_the_distribution_is_of_second_minus_first():
    found = difference([0.1, 0.2, 0.3, 0.4], [0.1, 0.5, 0.3, 0.2])
    assert [move.entity_key for move in found.moves] == ["k001", "k003", "k000", "k002"]
    assert (found.quantiles["0%"], found.quantiles["100%"]) == pytest.approx((-0.2, 0.3))
    assert (found.mean, found.mean_absolute) == pytest.approx((0.025, 0.125))
    assert found.rank_correlation == pytest.approx(0.2)


def test_scores_that_are_all_alike_have_no_rank_correlation():
    assert difference([0.5, 0.5], [0.1, 0.2]).rank_correlation is None


def test_rows_that_only_one_version_scored_are_left_out():
    assert difference([0.5, None], [0.1, 0.2]).rows == 1
    assert difference([None], [0.2]) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
def test_the_differences_turn_around_with_the_versions(scores):
    first, second = zip(*scores, strict=True)
    forth, back = difference(first, second), difference(second, first)
    assert forth.mean == pytest.approx(-back.mean, abs=1e-12)
    assert forth.mean_absolute == pytest.approx(back.mean_absolute)
    assert forth.quantiles["0%"] == pytest.approx(-back.quantiles["100%"])
    assert len(forth.moves) == min(len(scores), LARGEST)
