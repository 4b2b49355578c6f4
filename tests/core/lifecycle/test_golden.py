"""Golden rows: which unseen rows are kept, and when a version gives something else for them."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.lifecycle.golden import BOUNDS, GOLDEN_ROWS, given_otherwise, golden_rows
from nightjar.core.model.slices import Slice

FIRST = date(2013, 6, 1)
CARRIER = Slice(name="carrier", by="carrier")


def unseen(rows: int, carriers: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "score_date": [FIRST + timedelta(days=n * 28 // rows) for n in range(rows)],
            "entity_key": [f"k{n}" for n in range(rows)],
            "carrier": [f"c{n % carriers}" for n in range(rows)],
        }
    )


@given(st.integers(1, 3_000), st.integers(1, 80))
def test_at_most_so_many_rows_are_kept_in_their_order_and_always_the_same(rows, carriers):
    frame = unseen(rows, carriers)
    kept = golden_rows(frame, [CARRIER])
    assert 1 <= kept.height <= GOLDEN_ROWS
    assert kept.equals(golden_rows(frame, [CARRIER]))
    assert kept.equals(frame.filter(pl.col("entity_key").is_in(kept["entity_key"].implode())))
    if rows <= GOLDEN_ROWS // 2:
        assert kept.equals(frame)


def test_golden_rows_are_of_all_dates_and_of_each_value_of_a_slice():
    kept = golden_rows(unseen(2_800, 20), [CARRIER])
    assert kept["score_date"].n_unique() == 28
    assert kept["carrier"].n_unique() == 20


def numbers(score: float, outputs: list[float] | None = None) -> pl.DataFrame:
    schema = {"entity_key": pl.String, "score": pl.Float64, "outputs": pl.List(pl.Float64)}
    return pl.DataFrame({"entity_key": ["a"], "score": [score], "outputs": [outputs]}, schema)


@pytest.mark.parametrize("algorithm", ["catboost", "lightgbm", "xgboost", *BOUNDS])
def test_a_number_may_differ_by_the_bound_of_its_learner_and_by_no_more(algorithm):
    bound = BOUNDS.get(algorithm, 0.0)
    kept, within, beyond = numbers(200.0), numbers(200.0 * (1 + bound / 2)), numbers(200.0 * (1 + 2e-6))
    assert given_otherwise(kept, kept.drop("entity_key"), algorithm) is None
    assert given_otherwise(kept, within.drop("entity_key"), algorithm) is None
    assert "1 of 1 golden rows, the first 'a': its score was 200.0" in (
        given_otherwise(kept, beyond.drop("entity_key"), algorithm) or ""
    )


@pytest.mark.parametrize("algorithm", ["catboost", "sklearn"])
@pytest.mark.parametrize("now", [[0.1, 0.8, 0.1], [0.1, 0.9], None])
def test_other_outputs_are_told_too(algorithm, now):
    kept = numbers(0.8, [0.2, 0.8])
    told = given_otherwise(kept, numbers(0.8, now).drop("entity_key"), algorithm)
    assert told == f"1 of 1 golden rows, the first 'a': its outputs was [0.2, 0.8] and is {now}"
