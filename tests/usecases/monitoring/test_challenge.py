"""A challenger through its nights: promoted once, asked for, withdrawn, and never against a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.core.lifecycle.arms import share_of
from nightjar.core.model.spec import Challenge
from nightjar.core.monitoring.challenge import Finding, Step
from nightjar.core.monitoring.entities import Basis, NightComparison
from nightjar.showing.console import challenger_row, challenger_told
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import TRAINED_THROUGH, champion_of, registered
from nightjar.usecases.lifecycle.by_hand import serve_by_hand
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


def live(judge, gains, challenger=2):
    """One night for each gain, after those that there are. The challenger serves the share of now."""
    share = share_of(judge.registry.promotions("toy"))
    for gain in gains:
        number = len(judge.outcomes.known) + 1
        judge.outcomes.known.append(
            NightComparison(
                run_id=number,
                model="toy",
                score_date=TRAINED_THROUGH + timedelta(days=number),
                version_id=1,
                challenger_id=challenger,
                share=share,
                rows=9,
                with_outcome=9,
                challenger_rows=9,
                challenger_with_outcome=9,
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


CANARY = Challenge(promote="automatic", stages=(0.05, 0.25, 1.0), nights_per_stage=7)


def shares(judge):
    return [row.share for row in reversed(judge.registry.promotions("toy")) if row.role == "challenger"]


def test_a_better_challenger_goes_through_the_stages_and_is_promoted(judge):
    canary = replace(judge, spec=toy_spec(challenge=CANARY))
    assert live(canary, BETTER).settle().step is Step.SERVE
    for share in (0.05, 0.25, 1.0):
        assert shares(canary)[-1] == share
        assert [live(canary, [0.01]).settle().step for _ in range(6)] == [Step.WAIT] * 6
        live(canary, [0.012]).settle()
    assert (roles(canary), shares(canary)) == ((2, None), [0, 0.05, 0.25, 1.0])
    reasons = [row.reason for row in canary.registry.promotions("toy")]
    at = "in 14 nights at up to 0.25 of the entities its Brier was lower by"
    assert reasons[1].startswith(f"serves 1 of the entities after 0.25: cannot tell yet: {at}")
    assert "in 21 nights at up to 1 of the entities" in reasons[0]


@pytest.mark.parametrize(
    ("promote", "held"), [("automatic", (1, None)), ("approval", (1, None)), ("by hand", (1, 2))]
)
@pytest.mark.parametrize("good", [0, 7])
def test_a_challenger_that_turns_out_worse_stops_by_itself_and_it_is_told_loudly(judge, promote, held, good):
    """In the first stage or after it."""
    canary = replace(judge, spec=toy_spec(challenge=replace(CANARY, promote=promote)))
    live(canary, BETTER)
    serve_by_hand(canary.spec, canary.registry, None, 2, 0.05, "let it serve")
    for _ in range(good):
        live(canary, [0.01]).settle()
    with capture_logs() as logged:
        while share_of(canary.registry.promotions("toy")) > 0:
            found = live(canary, [-0.05]).settle()
    assert roles(canary) == held
    assert found.serving.evidence.nights - good < 16
    assert max(shares(canary)) == (0.25 if good else 0.05), "it does not grow while it loses"
    (stopped,) = [event for event in logged if event["event"] == "canary_stopped"]
    assert (stopped["log_level"], stopped["runbook"]) == ("error", "runbooks/canary-stopped.md")
    assert "canary-stopped.md" in challenger_told(found)
    assert canary.settle() is None or canary.settle().step is Step.WAIT


LEAK = GateResult(
    name="min_loss_shuffled", value=0.1, threshold=0.9, reason="it learns", verdict=Verdict.FAILED
)


@pytest.fixture
def failed(judge):
    """A person made a version challenger that failed a gate."""
    version = registered(judge.registry, artifact_sha256="3" * 64, gates=(LEAK,))
    judge.registry.promote(version, "challenger", "to see it beside the champion")
    return judge


@pytest.mark.parametrize("good", [BETTER, BETTER * 4])
def test_a_version_that_failed_its_gates_is_champion_only_by_a_person_however_good_its_nights(failed, good):
    found = live(failed, good, challenger=3).settle()
    assert (found.step, found.evidence.finding, roles(failed)) == (Step.ASK, Finding.BETTER, (1, 3))
    ask = 'It waits for a person: nightjar promote 3 --despite-gates --reason "..."'
    assert challenger_told(found).endswith(ask)


@pytest.mark.parametrize("promote", ["automatic", "approval", "by hand"])
def test_a_version_that_failed_its_gates_serves_no_share_that_no_person_gave_it(failed, promote):
    canary = replace(failed, spec=toy_spec(challenge=replace(CANARY, promote=promote)))
    live(canary, BETTER, challenger=3).settle()
    assert shares(canary)[-1] == 0
    serve_by_hand(canary.spec, canary.registry, None, 3, 0.05, "it is right", despite_gates=True)
    found = live(canary, [0.01] * 7, challenger=3).settle()
    assert (found.step, shares(canary)[-1]) == (Step.ASK, 0.05)
    assert challenger_told(found).endswith('nightjar share 3 0.25 --despite-gates --reason "..."')


def test_two_processes_go_one_stage_forward(judge):
    canary = replace(judge, spec=toy_spec(challenge=CANARY))
    found = live(canary, BETTER).standing()
    canary.settle()
    both = (found.challenger, found.champion)
    assert canary.registry.set_share(*both, 0.05, "late", instead_of=0) is None
    assert shares(canary) == [0, 0.05]


def test_by_approval_a_person_is_asked_to_begin(judge):
    asking = replace(judge, spec=toy_spec(challenge=replace(CANARY, promote="approval")))
    found = live(asking, BETTER).settle()
    assert challenger_told(found).endswith('It waits for a person: nightjar share 2 0.05 --reason "..."')
    assert shares(asking) == [0]


def test_arms_decide_where_a_score_changes_the_outcome(judge):
    """On the same rows the challenger looks better, and on the rows that it served it is worse."""
    policy = replace(CANARY, compare="arms")
    canary = replace(live(judge, BETTER), spec=toy_spec(challenge=policy))
    canary.settle()
    for _ in range(40):
        live(canary, [0.01])
        by_rows = canary.outcomes.known[-1]
        acted = {"basis": Basis.ARMS, "challenger": {"brier": 0.26}}
        canary.outcomes.known.append(by_rows.model_copy(update=acted))
    assert canary.settle().step is Step.WITHDRAW
