import pytest

from nightjar.core.errors.model import GateFailed
from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.core.lifecycle.evidence import Evidence
from nightjar.core.lifecycle.promotion import (
    by_limits_of,
    decide,
    in_shadow_first,
    not_again,
    outdated,
    require_gates,
    unpromoted,
)
from nightjar.core.model.entities import Promotion
from nightjar.testing.specs import TOY, toy_spec
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


EVIDENCE = Evidence(
    nights=(),
    comparisons=(),
    metrics={"auc": Estimate(value=0.7, nights=28, error=0.01, degrees=27)},
)


def test_gates_are_judged_by_the_limits_of_today_on_what_was_measured():
    def judged(limit):
        spec = toy_spec(gates=TOY.gates | {"min_auc": limit})
        return by_limits_of(spec, version(1, FAILED), EVIDENCE).gates[0].verdict

    assert [judged(limit) for limit in (0.6, 0.69, 0.8)] == ["passed", "cannot tell", "failed"]


def test_a_version_without_evidence_keeps_its_verdicts():
    assert by_limits_of(TOY, version(1, PASSED, FAILED), None).gates == (PASSED, FAILED)


HELD = GateResult(
    name="max_ece", verdict="cannot tell", value=0.09, threshold=0.1, reason="needs 9 more nights"
)


def test_a_version_of_which_a_gate_cannot_tell_is_held_and_a_person_may_promote_it():
    decision = decide(version(2, PASSED, HELD), None)
    assert not decision.promote
    assert decision.reason == "held for a person: max_ece: cannot tell: needs 9 more nights"
    require_gates(version(2, PASSED, HELD))


def test_a_failure_is_told_before_a_doubt():
    assert decide(version(2, HELD, FAILED), None).reason.startswith("max_ece: expected calibration error")


def row_of(number, role):
    row = {"id": 1, "model": "toy", "version_number": 1, "reason": "why", "promoted_at": "2013-06-01T00:00Z"}
    return Promotion(**row, actor="somebody", version_id=number, role=role)


def shadowed(candidate, champion, challenger=None, withdrawn=()):
    ledger = [row_of(number, "withdrawn") for number in withdrawn]
    return in_shadow_first(decide(candidate, champion), candidate, champion, challenger, ledger)


def test_where_versions_score_in_shadow_first_a_version_that_passes_becomes_challenger():
    made = shadowed(version(2, PASSED), version(1, PASSED))
    assert (made.promote, made.role) == (True, "challenger")
    assert made.told == "challenger: all gates passed; scores in shadow beside version 1"


def test_the_first_champion_and_a_failed_gate_are_decided_as_ever():
    assert shadowed(version(1, PASSED), None) == decide(version(1, PASSED), None)
    failed = version(2, PASSED, FAILED), version(1, PASSED)
    assert shadowed(*failed) == decide(*failed)


def test_a_challenger_is_not_replaced_and_one_that_was_withdrawn_does_not_come_back():
    champion, challenger = version(1, PASSED), version(2, PASSED)
    waits = shadowed(version(3, PASSED), champion, challenger)
    assert waits.told == "not promoted: version 2 is challenger, and stays that"
    back = shadowed(challenger, champion, withdrawn=(2,))
    assert back.told == "not promoted: version 2 was withdrawn as challenger"


def test_a_version_that_was_champion_before_is_not_promoted_again():
    candidate, champion = version(1, PASSED), version(2, PASSED)
    decision = decide(candidate, champion)
    others = [row_of(2, "champion"), row_of(1, "challenger")]
    assert not_again(decision, candidate, others) == decision
    back = not_again(decision, candidate, [*others, row_of(1, "champion")])
    assert back.told == "not promoted: version 1 was champion before and was replaced"
    failed = decide(version(1, FAILED), champion)
    assert not_again(failed, candidate, [row_of(1, "champion")]) == failed


@pytest.mark.parametrize(
    ("beside", "champion", "why"),
    [
        (1, 1, "another version became challenger meanwhile"),
        (1, 2, "it was judged beside version 1, and version 2 became champion meanwhile"),
        (None, 2, "it was judged beside no champion, and version 2 became champion meanwhile"),
        (1, None, "it was judged beside version 1, and no version became champion meanwhile"),
    ],
)
def test_a_version_in_whose_training_the_roles_changed_is_not_promoted(beside, champion, why):
    then, now = (number and version(number, PASSED) for number in (beside, champion))
    assert outdated(then, now).told == f"not promoted: {why}"


ASKS = PASSED.model_copy(update={"name": "min_loss_shuffled", "passed": False, "verdict": Verdict.ASKS})


@pytest.mark.parametrize(
    ("gates", "why", "failed"),
    [
        ((PASSED, ASKS), "these of its gates did not pass: min_loss_shuffled (asks a person)", False),
        (
            (ASKS, FAILED),
            "these of its gates did not pass: min_loss_shuffled (asks a person), max_ece (failed)",
            True,
        ),
        ((PASSED,), "all its gates passed, and it was not promoted", False),
        ((), "none of its gates was judged", False),
    ],
)
def test_a_version_that_waits_for_a_person_says_why(gates, why, failed):
    waits = unpromoted(version(3, *gates))
    assert (waits.number, waits.why, waits.failed) == (3, why, failed)
