"""The signs of leakage, and what the gates make of them."""

import re
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
from nightjar.core.lifecycle.leakage import over, skills_alone, surest_bin, with_shuffled_outcomes
from nightjar.core.lifecycle.proofs import Proofs, SurestBin
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


def told_in(share: float, right: float, count: int = 4_000) -> pl.DataFrame:
    """`hint` tells the outcome, which happens in a quarter of the rows, in a share of them."""
    random = np.random.default_rng(4)
    outcome = (random.random(count) < 0.25).astype(int)
    hint = np.where(random.random(count) < right, outcome, 1 - outcome).astype(float)
    known = pl.Series(random.random(count) < share)
    return pl.DataFrame(
        {
            "score_date": [FIRST + timedelta(days=n % 28) for n in range(count)],
            "hint": pl.select(pl.when(known).then(pl.Series(hint))).to_series(),
            "nothing": random.normal(size=count),
            "outcome": outcome,
        }
    )


@pytest.mark.parametrize("share", [0.08, 0.2, 1.0])
def test_a_value_that_tells_the_outcome_is_found_in_few_rows_and_waits_for_a_person(share):
    rows = told_in(share, right=1.0)
    surest = surest_bin(BINARY, rows[:2000], rows[2000:], [], ["hint", "nothing"])
    assert (surest.input, surest.value) == ("hint", "1.0")
    assert surest.loss < 0.001
    assert verdicts(Proofs(surest=surest)) == {"min_loss_in_a_bin": Verdict.ASKS}


def test_the_ends_of_a_bin_are_told_as_numbers_that_people_read():
    rows = told_in(1.0, right=1.0).with_columns(pl.col("hint") * 1_000 + pl.col("nothing").rank() / 7)
    surest = surest_bin(BINARY, rows[:2000], rows[2000:], [], ["hint"])
    assert re.fullmatch(r"[\d.,]{3,6} to [\d.,]{3,6}", surest.value)


@pytest.mark.parametrize("right", [0.5, 0.62, 0.9])
def test_a_value_that_is_often_wrong_tells_no_outcome(right):
    rows = told_in(0.2, right)
    surest = surest_bin(BINARY, rows[:2000], rows[2000:], [], ["hint", "nothing"])
    assert surest is None or surest.loss > 0.1


def test_a_value_without_any_event_tells_nothing_where_events_are_rare():
    """It is what the constant says, too."""
    rows = told_in(1.0, 1.0).with_columns(outcome=pl.lit(0), hint=pl.lit(0.0))
    seldom = rows.with_columns(outcome=pl.when(pl.int_range(pl.len()) % 50 == 0).then(1).otherwise(0))
    rare = seldom.with_columns(hint=pl.when(pl.int_range(pl.len()) % 5 == 1).then(1.0).otherwise("nothing"))
    assert surest_bin(BINARY, rare[:2000], rare[2000:], [], ["hint"]) is None
    assert surest_bin(BINARY, rows[:2000], rows[2000:], [], ["hint"]) is None


def test_one_input_that_is_worth_less_a_day_earlier_waits_for_a_person_and_is_named():
    proofs = Proofs(earlier_by={"gust": estimate(0.96, 0.005), "wind": estimate(0.97, 0.02)})
    assert verdicts(proofs) == {"min_loss_over_an_input_a_day_earlier": Verdict.ASKS}
    (gate,) = proofs_judged(toy_spec(), proofs)
    assert "with gust alone of a day earlier is 0.9600" in gate.reason
    honest = Proofs(earlier_by={"wind": estimate(0.97, 0.02), "rate": estimate(0.995, 0.001)})
    assert verdicts(honest) == {"min_loss_over_an_input_a_day_earlier": Verdict.PASSED}


def test_a_bin_that_leaves_some_loss_passes():
    surest = SurestBin(input="rain", value="9.0 to 12.5", loss=0.4, rows=40, nights=6)
    assert verdicts(Proofs(surest=surest)) == {"min_loss_in_a_bin": Verdict.PASSED}


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
