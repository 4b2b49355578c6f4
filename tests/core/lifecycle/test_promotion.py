from dataclasses import replace

import pytest

from nightjar.core.errors.model import GateFailed
from nightjar.core.kinds.gates import GateResult
from nightjar.core.lifecycle.promotion import by_limits_of, decide, require_gates
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import toy_version

PASSED = GateResult(
    name="min_auc", passed=True, value=0.7, threshold=0.6, reason="AUC is 0.7000, must be at least 0.6000"
)
FAILED = GateResult(
    name="max_ece",
    passed=False,
    value=None,
    threshold=0.1,
    reason="expected calibration error could not be measured",
)


def version(number, *gates):
    return toy_version(id=number, number=number, gates=gates)


def test_the_first_version_that_passes_becomes_champion():
    assert decide(version(1, PASSED), None).promote


def test_a_version_that_passes_replaces_the_champion():
    decision = decide(version(2, PASSED), version(1, PASSED))
    assert decision.promote
    assert "replaces version 1" in decision.reason


def test_one_failed_gate_keeps_the_champion_and_says_why():
    decision = decide(version(2, PASSED, FAILED), version(1, PASSED))
    assert not decision.promote
    assert decision.reason == "max_ece: expected calibration error could not be measured"


def test_the_reigning_champion_is_not_promoted_again():
    assert not decide(version(1, PASSED), version(1, PASSED)).promote


def test_a_version_without_gates_stays():
    assert not decide(version(1), None).promote


def test_a_person_who_promotes_is_told_which_gates_failed():
    require_gates(version(1, PASSED))
    with pytest.raises(
        GateFailed, match=r"version 2 did not pass.*max_ece.*promote it all the same, with a reason"
    ):
        require_gates(version(2, PASSED, FAILED))


def test_gates_are_judged_by_the_limits_of_today_on_what_was_measured():
    spec = toy_spec()
    (stricter,) = by_limits_of(replace(spec, gates=spec.gates | {"min_auc": 0.8}), version(1, PASSED)).gates
    assert (stricter.passed, stricter.value, stricter.threshold) == (False, 0.7, 0.8)
    assert stricter.reason == "AUC is 0.7000, must be at least 0.8000"
    (same,) = by_limits_of(replace(spec, gates=spec.gates | {"min_auc": 0.6}), version(1, PASSED)).gates
    assert same == PASSED


def test_a_gate_that_could_not_be_measured_passes_by_no_limit():
    lenient = replace(toy_spec(), gates=toy_spec().gates | {"max_ece": 1.0})
    assert by_limits_of(lenient, version(1, FAILED)).gates == (FAILED,)
