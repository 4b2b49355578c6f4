"""The signs of leakage, and what the gates make of them."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.gates import Verdict
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.lifecycle.leakage import over, skills_alone, with_shuffled_outcomes
from nightjar.core.lifecycle.proofs import Proofs
from nightjar.core.lifecycle.proving import proofs_judged
from nightjar.testing.specs import toy_spec

FIRST = date(2013, 6, 1)
KINDS = {"binary": BINARY, "regression": REGRESSION, "multiclass": multiclass("dry", "wet", "white")}


def verdicts(proofs: Proofs, **limits: float) -> dict[str, Verdict]:
    spec = toy_spec(gates=toy_spec().gates | limits)
    return {gate.name: gate.verdict for gate in proofs_judged(spec, proofs)}


def rows(kind: str, count: int, seed: int) -> pl.DataFrame:
    """`tells`, `code` and `rare` follow the outcome, `nothing` and `empty` do not."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3 if kind == "multiclass" else 2, count)
    outcome = truth if kind != "regression" else truth * 50 + random.normal(size=count)
    return pl.DataFrame(
        {
            "outcome": outcome,
            "tells": pl.Series(truth + random.normal(scale=0.1, size=count)),
            "code": pl.Series([f"c{value}" for value in truth]),
            "nothing": random.normal(size=count),
            "empty": pl.Series([None] * count, dtype=pl.Float64),
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_input_that_tells_the_outcome_removes_nearly_all_loss_alone_and_noise_removes_none(kind):
    found = skills_alone(
        KINDS[kind], rows(kind, 4_000, 1), rows(kind, 1_000, 2), ["code"], ["tells", "nothing", "empty"]
    )
    assert found["tells"] > 0.9
    assert found["code"] > 0.9
    assert abs(found["nothing"]) < 0.05
    assert abs(found["empty"]) < 1e-9


def test_a_flag_that_few_rows_have_is_a_bin_of_its_own_and_a_new_category_gets_the_constant():
    flag = [1.0] * 40 + [0.0] * 1960
    train = pl.DataFrame({"flag": flag, "city": ["OSLO"] * 2_000, "outcome": [int(one) for one in flag]})
    unseen = train.with_columns(city=pl.lit("LIMA"))
    found = skills_alone(BINARY, train, unseen, ["city"], ["flag"])
    assert found["flag"] == 1.0
    assert abs(found["city"]) < 1e-9


def test_where_the_constant_has_no_loss_no_input_is_measured():
    frame = pl.DataFrame({"x": [1.0, 2.0], "outcome": [1, 1]})
    assert skills_alone(BINARY, frame, frame, [], ["x"]) == {}


def test_one_input_that_is_too_good_alone_waits_for_a_person_and_is_named():
    proofs = Proofs(skill=0.6, alone={"wind": 0.1, "delay": 0.55})
    assert verdicts(proofs) == {"max_skill_alone": Verdict.ASKS}
    (gate,) = proofs_judged(toy_spec(), proofs)
    assert gate.reason.startswith(
        "delay alone removes 0.5500 of the constant's loss, all inputs together remove"
    )
    assert verdicts(proofs, max_skill_alone=0.56) == {"max_skill_alone": Verdict.PASSED}


def estimate(value: float, error: float | None = 0.004) -> Estimate:
    return Estimate(value=value, nights=28, error=error, degrees=8)


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [
        (1.002, 0.004, Verdict.PASSED),
        (0.975, 0.004, Verdict.PASSED),
        (0.95, 0.004, Verdict.FAILED),
        (0.95, None, Verdict.FAILED),
        (0.99, None, Verdict.PASSED),
    ],
)
def test_a_learner_that_learns_from_shuffled_outcomes_fails_if_that_is_no_chance(value, error, verdict):
    assert verdicts(Proofs(shuffled=estimate(value, error))) == {"min_loss_shuffled": verdict}


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [
        (0.95, 0.004, Verdict.PASSED),
        (0.895, 0.004, Verdict.PASSED),
        (0.87, 0.004, Verdict.ASKS),
        (0.87, None, Verdict.ASKS),
    ],
)
def test_features_that_are_worth_much_less_a_day_earlier_wait_for_a_person(value, error, verdict):
    assert verdicts(Proofs(earlier=estimate(value, error))) == {"min_loss_over_a_day_earlier": verdict}


def test_what_could_not_be_measured_cannot_tell_and_what_was_not_asked_for_is_no_gate():
    assert verdicts(Proofs(failed={"min_loss_shuffled": "it failed"})) == {
        "min_loss_shuffled": Verdict.CANNOT_TELL
    }
    assert verdicts(Proofs()) == {}


@given(st.lists(st.integers(0, 9), min_size=1), st.lists(st.integers(0, 9)), st.integers(0, 5))
def test_shuffling_keeps_the_outcomes_of_all_parts_together_and_the_size_of_each(first, second, seed):
    parts = [pl.DataFrame({"outcome": one}, {"outcome": pl.Int64}) for one in (first, second)]
    found = with_shuffled_outcomes(parts, seed)
    assert [part.height for part in found] == [len(first), len(second)]
    assert sorted(pl.concat(found)["outcome"]) == sorted([*first, *second])
    assert all(a.equals(b) for a, b in zip(found, with_shuffled_outcomes(parts, seed), strict=True))


def test_losses_are_compared_by_night():
    days = pl.Series([FIRST + timedelta(days=n // 2) for n in range(20)])
    found = over(days, pl.Series([1.1] * 20), pl.Series([1.0] * 20))
    assert found is not None
    assert (round(found.value, 6), found.nights) == (1.1, 10)
