"""Which verdict a day of outcomes gets: it passes, counts and is doubted, or is held."""

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.monitoring.outcome_findings import TOLD_AS, HoldFinding
from nightjar.core.monitoring.outcome_guard import Verdict, checked, judged
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.core.monitoring.outcome_rules import HOLDS, SEVERAL, TELLS, findings
from nightjar.wiring.settings import PROJECT

DAY = timedelta(days=1)
DAYS = [date(2013, 4, 1) + n * DAY for n in range(42)]
TODAY = DAYS[-1] + DAY
STRICTER = [Verdict.PASSED, Verdict.DOUBTED, Verdict.HELD]


def seen(rows=1000, size=20.0, coupling=0.8, missing=0.1, shop=200):
    """A day by the numbers that its limits are about."""
    return OutcomeDay(
        rows=rows,
        sizes={"delay": size},
        values={"shop": {"west": shop}},
        couplings={"delay with plan": coupling},
        rates={"delay missing": (round(missing * rows), rows)},
    )


KNOWN = {
    day: seen(1000 + n % 7, 20 + n % 5, 0.8 + n % 3 / 100, 0.1 + n % 4 / 100, 200 + n % 6)
    for n, day in enumerate(DAYS)
}


def verdict(**changes):
    return judged(TODAY, seen(**changes), KNOWN)


@given(
    rows=st.integers(50, 4000),
    size=st.floats(0.1, 2000),
    coupling=st.floats(-0.95, 0.95),
    missing=st.floats(0, 1),
    shop=st.integers(0, 1000),
)
def test_what_would_be_held_would_be_told_too_and_what_is_told_is_named(rows, size, coupling, missing, shop):
    found = seen(rows, size, coupling, missing, shop)
    held, told = (checked(TODAY, found, KNOWN, limits=limits) for limits in (HOLDS, TELLS))
    names = {each.name for each in told}
    # Of a file with too few rows its slices are not told: they lack them too.
    untold = {"slice_volume", "slice_missing"} if "volume" in names else {"slice_volume"}
    assert {each.name for each in held} <= names | untold
    assert bool(told) >= bool(held)
    became, findings = judged(TODAY, found, KNOWN)
    assert (became, findings) == (
        (Verdict.HELD, held) if held else (Verdict.DOUBTED if told else Verdict.PASSED, told)
    )


FAULTS = {
    "volume": [{"rows": rows} for rows in range(1000, 300, -20)],
    "units": [{"size": 22 * 1.1**n} for n in range(20)],
    "coupling": [{"coupling": 0.8 - n / 20} for n in range(20)],
    "values": [{"missing": 0.11 + n / 50} for n in range(20)],
    "slice": [{"shop": shop} for shop in range(200, 0, -10)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_grows_passes_then_is_told_by_name_and_then_is_held(name):
    found = [verdict(**changes) for changes in FAULTS[name]]
    order = [STRICTER.index(became) for became, _ in found]
    assert order == sorted(order)
    assert {*order} == {0, 1, 2}
    assert all(found_by(name, findings) for became, findings in found if became is not Verdict.PASSED)


def found_by(name, findings):
    return any(each.name.startswith(name) for each in findings)


def test_no_limit_tells_what_another_one_lets_in():
    assert all(0 < TELLS[name] < HOLDS[name] for name in HOLDS)
    assert {name: math.inf if name == SEVERAL else 1.0 for name in TELLS} == HOLDS


def test_in_a_holiday_period_values_are_told_beyond_wider_limits_and_rows_are_not():
    def on_a_holiday(**changes):
        became, findings = judged(TODAY, seen(**changes), KNOWN, lambda day: day == TODAY)
        return became, {each.name for each in findings}

    assert verdict(missing=0.4)[0] is Verdict.HELD
    assert on_a_holiday(missing=0.4) == (Verdict.DOUBTED, {"values"})
    assert verdict(rows=840)[0] is Verdict.DOUBTED
    assert on_a_holiday(rows=840) == (Verdict.PASSED, set())


def test_with_too_few_days_nothing_is_told():
    few = {day: KNOWN[day] for day in DAYS[-6:]}
    assert judged(TODAY, seen(rows=10, size=900), few) == (Verdict.PASSED, ())


@pytest.mark.parametrize(
    ("where", "value", "usual", "told"),
    [
        ("rise of b with a", 0.3, (0.9, 1.1), "When a rises, b rises less than usual"),
        ("rise of b with a", 3.0, (0.9, 1.1), "When a rises, b rises more than usual"),
        ("rise of b with a", -0.3, (-1.1, -0.9), "When a rises, b falls less than usual"),
        (
            "rise of b with a where shop is 1",
            0.3,
            (0.9, 1.1),
            "When a rises, b rises less than usual where shop is 1",
        ),
        (
            "middle distance from the line of b with a",
            9,
            (1, 2),
            "In half of the rows, b is further than usual from what a lets expect",
        ),
        (
            "distance of most rows from the line of b with a",
            0.1,
            (1, 2),
            "In nine of ten rows, b is nearer than usual to what a lets expect",
        ),
    ],
)
def test_what_is_wrong_with_the_line_of_two_columns_is_told_in_a_sentence(where, value, usual, told):
    low, high = usual
    finding = HoldFinding(name="relation", where=where, value=value, low=low, high=high, told="numbers")
    assert finding.what == told


@pytest.mark.parametrize(("size", "told"), [(None, "no number is known"), (0.0, "all numbers are 0")])
def test_numbers_that_are_missing_are_not_told_as_0(size, told):
    past = [OutcomeDay(rows=90, sizes={"delay": 20.0 + n}, values={}) for n in range(9)]
    (found,) = findings(OutcomeDay(rows=90, sizes={"delay": size}, values={}), past)
    assert (found.name, found.hint) == ("units", f", {told}")


def test_a_number_that_does_not_fit_to_the_others_is_told_with_what_they_let_expect():
    late = {"name": "shape", "where": "share of delay below 0", "value": 0.0, "low": 0.142, "high": 0.142}
    told = HoldFinding(**late, told="numbers").brief
    assert told == (
        "The share of delay below 0 is lower than the other numbers of the day let expect (shape): "
        "0% where 14.2% is to be expected"
    )


@pytest.mark.parametrize("name", sorted({*TOLD_AS, *TELLS} - {SEVERAL}))
def test_the_runbook_says_what_usually_causes_a_finding(name):
    table = (PROJECT / "runbooks" / "outcomes-held.md").read_text(encoding="utf-8").splitlines()
    assert any(f"`{name}`" in row.split("|")[1] for row in table if row.startswith("| `"))
