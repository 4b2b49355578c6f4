import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.gates import Certainty, GateResult, Requirement, Verdict, judge

USUAL = Certainty()
AT_MOST = Requirement(name="max_loss", what="loss", bound="at most", limit=1.03, fails=1.0)


def of(value, error=0.01, nights=28):
    return Estimate(value=value, nights=nights, error=error, degrees=nights - 1)


def verdict(value, **changes):
    return AT_MOST.judge(of(value, **changes), USUAL).verdict


def own(**measured):
    found = {"auc": of(0.7), "ece": of(0.04), **measured}
    return {gate.name: gate for gate in judge(BINARY.gates, found, {"min_auc": 0.6, "max_ece": 0.1}, USUAL)}


def test_it_passes_if_the_whole_interval_keeps_the_limit():
    assert verdict(1.01) is Verdict.PASSED
    assert verdict(1.02) is Verdict.FAILED


def test_between_surely_worse_and_surely_within_the_margin_it_cannot_tell():
    assert verdict(1.0, error=0.03) is Verdict.CANNOT_TELL
    assert verdict(1.04, error=0.03) is Verdict.CANNOT_TELL
    assert verdict(1.06, error=0.03) is Verdict.FAILED


def test_a_version_that_is_surely_worse_by_less_than_the_margin_passes():
    assert verdict(1.01, error=0.001) is Verdict.PASSED


def test_it_tells_value_interval_limit_and_how_many_more_nights_are_needed():
    told = AT_MOST.judge(of(1.0, error=0.03), USUAL)
    assert told.reason == (
        "loss is 1.0000 (0.9489 to 1.0511, 90% of 28 nights), must be at most 1.0300; needs 154 more nights"
    )
    assert (told.low, told.high) == pytest.approx((0.9489, 1.0511), abs=1e-4)
    assert (told.value, told.threshold, told.nights) == (1.0, 1.03, 28)


def test_few_nights_cannot_tell():
    told = AT_MOST.judge(Estimate(value=0.5, nights=2), USUAL)
    assert told.verdict is Verdict.CANNOT_TELL
    nights = "on 2 nights, which give no interval, must be at most 1.0300; needs 3 more nights"
    assert told.reason == f"loss is 0.5000 {nights}"


def test_what_was_not_measured_cannot_be_told():
    told = AT_MOST.judge(None, USUAL)
    assert (told.verdict, told.reason) == (Verdict.CANNOT_TELL, "loss could not be measured")


def test_each_metric_is_held_to_its_own_limit():
    assert {gate.verdict for gate in own().values()} == {Verdict.PASSED}
    assert own(auc=of(0.55))["min_auc"].verdict is Verdict.FAILED
    assert own(auc=of(0.605))["min_auc"].verdict is Verdict.CANNOT_TELL
    assert own(ece=of(0.2))["max_ece"].verdict is Verdict.FAILED
    assert judge(BINARY.gates, {}, {"min_auc": 0.6, "max_ece": 0.1}, USUAL)[0].verdict is Verdict.CANNOT_TELL


@given(st.floats(0.8, 1.3), st.floats(0, 0.1), st.floats(0.5, 1.2), st.floats(0.5, 1.2))
def test_a_greater_loss_never_has_the_better_verdict(value, error, limit, fails):
    order = [Verdict.PASSED, Verdict.CANNOT_TELL, Verdict.FAILED]
    wanted = Requirement(name="x", what="x", bound="at most", limit=limit, fails=min(fails, limit))
    verdicts = [wanted.judge(of(value + more, error), USUAL).verdict for more in (0, 0.01, 0.1)]
    assert verdicts == sorted(verdicts, key=order.index)


def test_results_of_older_versions_get_their_verdict_from_whether_they_passed():
    stored = {"name": "min_auc", "value": 0.7, "threshold": 0.6, "reason": "AUC is 0.7"}
    assert GateResult.model_validate(stored | {"passed": True}).verdict is Verdict.PASSED
    assert GateResult.model_validate(stored | {"passed": False}).verdict is Verdict.FAILED
    held = GateResult.model_validate(stored | {"verdict": "asks a person"})
    assert not held.passed
    assert GateResult.model_validate_json(held.model_dump_json()) == held


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 0.5}, {"power": 1.0}, {"alpha": math.nan}])
def test_alpha_and_power_are_probabilities(wrong):
    with pytest.raises(ValidationError):
        Certainty(**wrong)
