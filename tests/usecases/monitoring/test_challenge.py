"""A challenger through its nights: promoted once, asked for, withdrawn, and never against a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.model.spec import Challenge
from nightjar.core.monitoring.challenge import Finding, Step
from nightjar.core.monitoring.entities import NightComparison
from nightjar.showing.console import challenger_row, challenger_told
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import TRAINED_THROUGH, champion_of, registered
from nightjar.usecases.monitoring.challenge import JudgeChallenger

AUTOMATIC = Challenge(promote="automatic")


class Nights:
    """The port `Outcomes`, as far as a challenge reads it."""

    def __init__(self):
        self.known = []

    def comparisons(self, model):
        return tuple(self.known)


@pytest.fixture
def judge():
    registry = MemoryRegistry()
    champion_of(registry)
    registry.promote(registered(registry, artifact_sha256="2" * 64), "challenger", "try it")
    return JudgeChallenger(spec=toy_spec(challenge=AUTOMATIC), registry=registry, outcomes=Nights())


def live(judge, gains):
    """One night for each gain, after those that there are."""
    for gain in gains:
        number = len(judge.outcomes.known) + 1
        judge.outcomes.known.append(
            NightComparison(
                run_id=number,
                model="toy",
                score_date=TRAINED_THROUGH + timedelta(days=number),
                version_id=1,
                challenger_id=2,
                rows=9,
                with_outcome=9,
                champion={"brier": 0.2},
                challenger={"brier": 0.2 - gain},
                measured_at=datetime(2013, 7, 1, tzinfo=UTC) + timedelta(days=number),
            )
        )
    return judge


def roles(judge):
    held = (judge.registry.holder("toy", role) for role in ("champion", "challenger"))
    return tuple(None if version is None else version.number for version in held)


def ledger(judge):
    return [(row.version_number, row.role) for row in judge.registry.promotions("toy")]


BETTER, WORSE = [0.01, 0.012] * 25, [-0.01, -0.012] * 25


def test_a_challenger_that_is_better_becomes_champion_once_and_the_ledger_says_why(judge):
    found = live(judge, BETTER).settle()
    assert (found.step, found.evidence.finding) == (Step.PROMOTE, Finding.BETTER)
    assert roles(judge) == (2, None)
    assert judge.settle() is None
    assert ledger(judge) == [(2, "champion"), (2, "challenger"), (1, "champion")]
    why = judge.registry.promotions("toy")[0].reason
    assert why.startswith("better: in 50 nights its Brier was lower by 0.011 on average (confidence sequence")
    assert why.endswith("needed 20 (alpha 0.05)")


def test_who_judged_before_a_person_went_back_does_not_promote_again(judge):
    """Two processes have judged the same nights; the second is late."""
    found = live(judge, BETTER).standing()
    judge.settle()
    judge.registry.promote(judge.registry.version("toy", 1), "champion", "it was worse after all")
    assert judge.registry.end_challenge(found.challenger, found.champion, "champion", found.why) is None
    assert judge.settle() is None
    assert roles(judge) == (1, None)


def test_an_approval_is_asked_for_at_every_look_and_changes_nothing(judge):
    asking = replace(judge, spec=toy_spec(challenge=replace(AUTOMATIC, promote="approval")))
    with capture_logs() as logged:
        found = [live(asking, BETTER).settle(), asking.settle()]
    assert [each.step for each in found] == [Step.ASK] * 2
    assert [event["event"] for event in logged] == ["challenger_asks"] * 2
    assert roles(asking) == (1, 2)
    assert challenger_told(found[0]).endswith('It waits for a person: nightjar promote 2 --reason "..."')


@pytest.mark.parametrize("gains", [WORSE, [0.01, -0.01] * 90])
def test_a_challenger_that_is_worse_or_never_found_to_be_better_is_withdrawn(judge, gains):
    assert live(judge, gains).settle().step is Step.WITHDRAW
    assert roles(judge) == (1, None)
    assert ledger(judge)[0] == (2, "withdrawn")


@pytest.mark.parametrize("challenge", [None, replace(AUTOMATIC, promote="by hand")])
def test_without_a_policy_a_person_decides_and_sees_the_evidence(judge, challenge):
    by_hand = replace(live(judge, BETTER), spec=toy_spec(challenge=challenge))
    found = by_hand.settle()
    assert (found.step, found.evidence.finding) == (Step.WAIT, Finding.BETTER)
    assert roles(by_hand) == (1, 2)
    assert challenger_row(found)[:4] == (2, 1, 50, "0.011")
    assert challenger_told(found) == "version 2 against version 1: better"


def test_without_a_challenger_there_is_nothing_to_say(judge):
    judge.registry.end_challenge(*map(judge.registry.version_by_id, (2, 1)), "withdrawn", "why")
    assert judge.standing() is None
    assert judge.settle() is None
