"""The sketches of the parts of a night give what all of its scores give."""

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.comparison.profile import STEPS, places_of, spread_of
from nightjar.core.monitoring.sketch import HASHES, HIGHEST, POINTS, Sketch, described, highest_of, sketch_of
from nightjar.core.night.part_rows import SCORES

DAY = date(2013, 6, 15)


def frame(values, first=0, **columns):
    """Scores of rows k0, k1, ..."""
    rows = pl.DataFrame(
        {"entity_key": [f"k{first + n}" for n in range(len(values))], "score": values, **columns}
    )
    return rows.select(
        (pl.col(n) if n in rows.columns else pl.lit(None)).cast(t).alias(n) for n, t in SCORES.items()
    )


def sketched(parts):
    """The sketches of parts, as they come back from where they are stored."""
    first, found = 0, []
    for values in parts:
        found.append(Sketch.model_validate_json(sketch_of(frame(values, first)).model_dump_json()))
        first += len(values)
    return found


PARTS = st.lists(st.lists(st.floats(-1e6, 1e6), max_size=12), max_size=4)


@given(PARTS)
def test_few_scores_are_described_as_all_of_them_at_once(parts):
    every = np.array([score for part in parts for score in part], np.float64)
    found, wanted = described(DAY, sketched(parts)), spread_of(every)
    for name in ("rows", "distinct", "quantiles"):
        assert getattr(found, name) == wanted[name]
    assert (found.mean, found.stddev) == pytest.approx(
        (wanted["mean"], wanted["stddev"]), nan_ok=True, abs=1e-6
    )


@given(PARTS, st.integers(1, 20))
def test_the_highest_of_all_parts_are_found_the_least_keys_first(parts, count):
    every = frame([score for part in parts for score in part])
    wanted = every.sort("score", "entity_key", descending=[True, False]).head(count)
    assert highest_of(sketched(parts), count).equals(wanted.select("entity_key", "score", "arm"))


@given(
    st.lists(st.integers(1, 3_000), min_size=1, max_size=4),
    st.integers(0, 2**32),
    st.sampled_from([2, 50, 0]),
)
def test_quantiles_of_many_scores_are_off_by_few_rows(sizes, seed, different):
    draw = np.random.default_rng(seed)
    parts = [draw.integers(0, different, n) / 4 if different else draw.beta(2, 9, n) for n in sizes]
    every = np.sort(np.concatenate(parts))
    found = described(DAY, sketched([part.tolist() for part in parts])).quantiles
    least, most = (np.searchsorted(every, found, side) for side in ("left", "right"))
    wanted = np.array(places_of(every.size, STEPS))
    away = np.maximum(0, np.maximum(least - wanted, wanted - (most - 1)))
    assert away.max() <= math.ceil(every.size / (2 * POINTS)) + len(sizes)
    assert (found[0], found[-1]) == (every[0], every[-1])


def test_a_night_of_one_part_is_described_to_the_bit():
    values = np.random.default_rng(1).beta(2, 9, 5_000)
    found = described(DAY, sketched([values.tolist()])).model_dump(include=set(spread_of(values.copy())))
    assert found == spread_of(values)


@pytest.mark.parametrize("different", [HASHES - 1, 3_000, 60_000])
def test_different_scores_of_several_parts_are_counted_or_estimated(different):
    draw = np.random.default_rng(7)
    parts = [(draw.permutation(different) / 3).tolist() for _ in range(3)]
    assert described(DAY, sketched(parts)).distinct == pytest.approx(
        different, rel=0.2 if different > HASHES else 0
    )


def test_both_zeros_are_one_score():
    assert described(DAY, sketched([[0.0], [-0.0]])).distinct == 1


def test_scores_are_those_of_the_version_that_serves_the_row():
    rows = frame(
        [0.1, 0.2, 0.3],
        challenger_score=[0.9, 0.8, None],
        arm=["challenger", "champion", "champion"],
        carried_from=[None, 4, 4],
    )
    found = described(DAY, [sketch_of(rows)])
    assert (found.rows, found.shadowed, found.by_challenger, found.carried) == (3, 2, 1, 2)
    assert found.quantiles[-1] == 0.9
    assert highest_of([sketch_of(rows)], 2).rows() == [("k0", 0.9, "challenger"), ("k2", 0.3, "champion")]


def test_scores_whose_squares_no_number_holds_are_stored_and_described():
    found = described(DAY, sketched([[1e308, -1e308, 1e308], [1e300]]))
    assert (found.rows, found.stddev) == (4, math.inf)


def test_a_sketch_of_many_rows_is_small():
    values = np.random.default_rng(1).beta(2, 9, 50_000)
    (found,) = sketched([values.tolist()])
    assert (len(found.points), len(found.hashes), len(found.highest)) == (POINTS + 1, HASHES, HIGHEST)
