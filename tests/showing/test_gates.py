import re
from pathlib import Path

import pytest

from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.core.model.judging import DEFAULTS
from nightjar.showing.gates import FIRST_LOOK, RUNBOOK, next_step
from nightjar.testing.versions import toy_version


def stopped(**verdicts):
    gates = tuple(
        GateResult(name=name, value=1.0, threshold=1.0, reason="why", verdict=verdict)
        for name, verdict in verdicts.items()
    )
    return next_step(toy_version(number=3, gates=gates))


def test_what_failed_is_not_to_score_and_the_command_that_overrules_is_told():
    told = stopped(max_loss_in_slices=Verdict.FAILED, min_auc=Verdict.CANNOT_TELL)
    assert "Look first at the rows of the slices that are named" in told
    assert "nightjar promote 3 --model" in told
    assert "--despite-gates --reason REASON" in told


def test_what_asks_a_person_needs_a_reason_alone():
    told = stopped(min_loss_in_a_bin=Verdict.ASKS)
    assert "when the input that is named is known" in told
    assert "--despite-gates" not in told


def test_what_cannot_be_told_waits_for_the_next_retraining():
    assert "The next retraining brings a newer version" in stopped(max_loss_over_champion=Verdict.CANNOT_TELL)


def test_nothing_is_to_do_where_all_passed_or_nothing_was_judged():
    assert stopped(min_auc=Verdict.PASSED) is None
    assert stopped() is None


@pytest.mark.parametrize("gate", FIRST_LOOK)
def test_each_hint_is_for_a_gate_that_there_is(gate):
    assert gate in {*DEFAULTS, "max_skewed_rows"}


def test_the_runbook_is_there():
    assert re.search("cannot tell", Path(RUNBOOK).read_text())
