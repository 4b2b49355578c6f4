"""Stability and cost: what is measured, and what the gates make of it."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.kinds.gates import Verdict
from nightjar.core.lifecycle.proofs import Proofs
from nightjar.core.lifecycle.proving import proofs_judged
from nightjar.core.lifecycle.stability import change, skewed, with_noise
from nightjar.testing.specs import toy_spec

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=50)


@pytest.mark.parametrize(
    ("proofs", "gate", "passes"),
    [
        (Proofs(seeds=0.3), "max_change_by_seed", True),
        (Proofs(seeds=1.1), "max_change_by_seed", False),
        (Proofs(noise=0.05), "max_change_by_noise", True),
        (Proofs(noise=0.4), "max_change_by_noise", False),
        (Proofs(us_a_row=5.0), "max_us_a_row", True),
        (Proofs(us_a_row=2e3), "max_us_a_row", False),
        (Proofs(artifact_bytes=3_000_000), "max_artifact_mb", True),
        (Proofs(artifact_bytes=900_000_000), "max_artifact_mb", False),
        (Proofs(compared_rows=700), "max_skewed_rows", True),
        (Proofs(compared_rows=700, skewed_rows=1), "max_skewed_rows", False),
    ],
)
def test_what_lies_above_its_limit_fails(proofs, gate, passes):
    (found,) = proofs_judged(toy_spec(), proofs)
    assert (found.name, found.verdict) == (gate, Verdict.PASSED if passes else Verdict.FAILED)


@given(SCORES, st.floats(0.1, 10), st.floats(-5, 5))
def test_a_change_of_scores_has_no_unit_and_is_0_for_the_same_scores(scores, scale, level):
    before = pl.Series(scores)
    assert change(before, before) == 0.0
    after = before.reverse()
    found, other = change(before, after), change(before * scale + level, after * scale + level)
    if found is not None and before.std() > 1e-3:
        assert found == pytest.approx(other, rel=1e-6, abs=1e-9)


def test_scores_that_have_nothing_in_common_change_by_more_than_the_limit():
    random = np.random.default_rng(0)
    found = change(pl.Series(random.normal(size=9_000)), pl.Series(random.normal(size=9_000)))
    assert found == pytest.approx(2 / np.sqrt(np.pi), abs=0.02)
    assert found > toy_spec().gates["max_change_by_seed"]
    assert change(pl.Series([0.5, 0.5]), pl.Series([0.5, 0.6])) is None


def test_noise_is_a_hundredth_of_a_columns_spread_and_leaves_what_is_missing():
    rows = pl.DataFrame(
        {"x": [0, 100] * 500, "gone": [None, 1.0] * 500, "empty": [None] * 1_000, "city": "A"}
    )
    noisy = with_noise(rows, ["x", "gone", "empty"], seed=1)
    assert (noisy["x"] - rows["x"]).std() == pytest.approx(0.5, rel=0.1)
    assert noisy["gone"].null_count() == 500
    assert noisy["empty"].null_count() == 1_000
    assert noisy["city"].equals(rows["city"])
    assert noisy.equals(with_noise(rows, ["x", "gone", "empty"], seed=1))


def test_rows_that_are_scored_by_other_inputs_or_not_at_all_are_counted():
    trained = pl.DataFrame({"entity_key": list("abcd"), "x": [1.0, None, 3.0, 4.0], "city": ["A"] * 4})
    assert skewed(trained, trained.reverse(), ["x", "city"]) == 0
    others = {"a": 1.0 + 2**-52, "b": 0.0}
    scored = trained.with_columns(x=pl.col("entity_key").replace_strict(others, default=pl.col("x")))
    assert skewed(trained, scored, ["x", "city"]) == 2
    assert skewed(trained, scored.filter(pl.col("entity_key") != "d"), ["x", "city"]) == 3
