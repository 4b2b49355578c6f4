"""What nights say of a challenger: which of them count, and what a correction changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.lifecycle.sequential import e_values
from nightjar.core.model.spec import Challenge
from nightjar.core.monitoring.challenge import (
    Finding,
    Serving,
    ShadowEvidence,
    Step,
    evidence_of,
    next_share,
    nights_at,
    step_of,
)
from nightjar.core.monitoring.entities import NightComparison
from nightjar.testing.versions import toy_version

SEEN = date(2013, 5, 1)
CHAMPION = toy_version(id=1, trained_through=SEEN)
CHALLENGER = toy_version(id=2, number=2, trained_through=SEEN)
KNOWN = datetime(2013, 6, 1, tzinfo=UTC)
ALPHA = 0.05
GAINS = st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=25)


def night(number, gain, *, known=None, champion=1, challenger=2, share=0.0):
    return NightComparison(
        run_id=number,
        model="toy",
        score_date=SEEN + timedelta(days=number),
        version_id=champion,
        challenger_id=challenger,
        share=share,
        rows=9,
        with_outcome=9,
        challenger_rows=9,
        challenger_with_outcome=9,
        champion={"brier": 0.5},
        challenger={"brier": None if gain is None else 0.5 - gain},
        measured_at=KNOWN + timedelta(days=number if known is None else known),
    )


def evidence(*nights, served=False):
    return evidence_of(nights, "brier", CHAMPION, CHALLENGER, ALPHA, served=served)


def test_only_unseen_nights_of_this_champion_and_this_challenger_count():
    wrong = (night(0, 0.1), night(3, 0.1, champion=3), night(4, 0.1, challenger=3), night(5, None))
    assert evidence(*wrong).nights == 0
    assert evidence(*wrong, night(6, 0.1)).nights == 1


def test_without_a_night_nothing_is_known():
    assert evidence() == ShadowEvidence(
        nights=0, gain=0, low=-np.inf, high=np.inf, better=1, worse=1, needed=20
    )
    assert evidence().finding is Finding.OPEN
    assert evidence().more_nights is None


@pytest.mark.parametrize(("sign", "finding"), [(1, Finding.BETTER), (-1, Finding.WORSE)])
def test_a_clear_difference_decides(sign, finding):
    found = evidence(*(night(n, sign * gain) for n, gain in enumerate([0.01, 0.012] * 20, 1)))
    assert (found.nights, found.finding) == (40, finding)
    assert sign * found.gain == pytest.approx(0.011)
    assert found.low < sign * 0.011 < found.high
    assert found.more_nights is None


def test_it_says_how_many_more_nights_like_these_decide():
    nights = [night(n, gain) for n, gain in enumerate([0.01, 0.012, -0.005] * 4, 1)]
    found = evidence(*nights)
    assert found.finding is Finding.OPEN
    assert found.better * found.better ** (found.more_nights / found.nights) >= found.needed


@given(GAINS, st.lists(st.tuples(st.integers(0, 24), st.floats(-0.1, 0.1)), max_size=10))
def test_a_correction_can_take_evidence_away_and_gives_none(gains, corrections):
    """The nights as they were known first keep alpha by themselves. With corrections less is decided."""
    first = [night(n, gain) for n, gain in enumerate(gains, 1)]
    later = [night(1 + n % len(gains), gain, known=100 + at) for at, (n, gain) in enumerate(corrections)]
    assert evidence(*first).better == pytest.approx(e_values(0.5 - (0.5 - np.array(gains)))[-1])
    assert evidence(*first, *later).better <= evidence(*first).better
    assert evidence(*first, *later).worse <= evidence(*first).worse


def test_a_restated_night_counts_once_with_its_newest_value():
    nights = [night(n, 0.01) for n in range(1, 11)]
    restated = evidence(*nights, night(3, -0.03, known=20))
    assert restated.nights == 10
    assert restated.gain < evidence(*nights).gain


AUTOMATIC = Challenge(promote="automatic", nights=50)
APPROVAL = replace(AUTOMATIC, promote="approval")
BY_HAND = replace(AUTOMATIC, promote="by hand")


def found(**changes):
    usual = {"nights": 30, "gain": 0, "low": -1, "high": 1, "better": 1, "worse": 1, "needed": 20}
    return ShadowEvidence(**usual | changes)


def serving(share=0.0, nights=0, nights_served=9, **changes):
    return Serving(share=share, nights=nights, evidence=found(nights=nights_served, **changes))


@pytest.mark.parametrize(
    ("changes", "automatic", "approval"),
    [
        ({}, Step.WAIT, Step.WAIT),
        ({"better": 19.9}, Step.WAIT, Step.WAIT),
        ({"better": 20}, Step.PROMOTE, Step.ASK),
        ({"better": 20, "nights": 50}, Step.PROMOTE, Step.ASK),
        ({"worse": 20}, Step.WITHDRAW, Step.WITHDRAW),
        ({"nights": 50}, Step.WITHDRAW, Step.WITHDRAW),
    ],
)
@pytest.mark.parametrize("share", [0, 0.3])
def test_the_policy_says_what_follows(changes, automatic, approval, share):
    assert step_of(found(**changes), serving(share), AUTOMATIC) is automatic
    assert step_of(found(**changes), serving(share), APPROVAL) is approval
    assert step_of(found(**changes), serving(share), BY_HAND) is Step.WAIT
    assert step_of(found(**changes), serving(share), None) is Step.WAIT


STAGES = {"stages": (0.05, 0.25, 1.0), "nights_per_stage": 7}


def test_with_stages_a_better_challenger_serves_before_it_is_promoted():
    better = found(better=20)
    assert step_of(better, serving(), replace(AUTOMATIC, **STAGES)) is Step.SERVE
    assert step_of(better, serving(), replace(APPROVAL, **STAGES)) is Step.ASK
    assert step_of(better, serving(), replace(BY_HAND, **STAGES)) is Step.WAIT


@pytest.mark.parametrize(
    ("share", "nights", "follows"),
    [
        (0.05, 6, (Step.WAIT, Step.WAIT, Step.WAIT)),
        (0.05, 7, (Step.SERVE, Step.SERVE, Step.SERVE)),
        (0.6, 7, (Step.SERVE, Step.SERVE, Step.SERVE)),
        (1.0, 6, (Step.WAIT, Step.WAIT, Step.WAIT)),
        (1.0, 7, (Step.PROMOTE, Step.ASK, Step.WAIT)),
    ],
)
@pytest.mark.parametrize("better", [0.01, 20])
def test_a_stage_lasts_its_nights_and_the_last_one_ends_as_the_policy_says(share, nights, follows, better):
    policies = [replace(policy, **STAGES) for policy in (AUTOMATIC, APPROVAL, BY_HAND)]
    steps = [step_of(found(better=better, nights=90), serving(share, nights), each) for each in policies]
    assert steps == list(follows)


@pytest.mark.parametrize("stages", [{}, STAGES])
@pytest.mark.parametrize("nights", [1, 90])
def test_what_is_worse_while_it_serves_stops_by_every_policy(stages, nights):
    """Also if the nights in shadow said that it is better."""
    worse, better = serving(0.05, nights, worse=20), found(better=99)
    assert step_of(better, worse, replace(AUTOMATIC, **stages)) is Step.WITHDRAW
    assert step_of(better, worse, replace(APPROVAL, **stages)) is Step.WITHDRAW
    assert step_of(better, worse, replace(BY_HAND, **stages)) is step_of(better, worse, None) is Step.STOP


def test_a_share_does_not_grow_while_more_is_said_against_it_and_ends_without_a_result():
    leaning = serving(0.05, 30, worse=3)
    assert step_of(found(), leaning, replace(AUTOMATIC, **STAGES)) is Step.WAIT
    without = serving(0.05, 50, worse=3, nights_served=50)
    assert step_of(found(), without, replace(AUTOMATIC, **STAGES)) is Step.WITHDRAW
    assert step_of(found(), without, replace(BY_HAND, **STAGES)) is Step.WAIT


def test_the_next_stage_is_the_first_that_is_larger():
    challenge = replace(AUTOMATIC, **STAGES)
    shares = [0, 0.01, 0.05, 0.3, 1.0]
    assert [next_share(share, challenge) for share in shares] == [0.05, 0.05, 0.25, 1.0, None]
    assert next_share(0, AUTOMATIC) is next_share(0, None) is None


def test_only_nights_in_which_it_served_at_least_the_share_are_nights_of_a_stage():
    nights = [night(n, 0.01, share=share) for n, share in enumerate((0.0, 0.05, 0.25, 0.25, 1.0), 1)]
    nights += [night(3, 0.02, known=9, share=0.25), night(6, None, share=1.0)]
    both = ("brier", CHAMPION, CHALLENGER)
    assert [nights_at(share, nights, *both) for share in (0.05, 0.25, 1.0)] == [4, 3, 1]
    assert nights_at(0, nights, *both) == 0


def test_shadow_nights_say_how_large_a_difference_is_and_win_nothing_for_the_nights_that_served():
    """A challenger that was better for 60 nights and then breaks is found out within 15."""
    usual = [night(n, (-1) ** n * 0.01 + 0.004) for n in range(1, 61)]
    broken = [night(60 + n, -0.06, share=0.05) for n in range(1, 16)]
    assert evidence(*usual, served=True).nights == 0
    assert evidence(*usual, served=True).worse == pytest.approx(1)
    assert evidence(*usual, served=True).better == pytest.approx(1)
    assert evidence(*usual, *broken, served=True).finding is Finding.WORSE
    assert evidence(*usual, *broken).finding is not Finding.WORSE
    assert evidence(*usual, *broken, served=True).high < 0
