"""What nights say of a challenger: which of them count, and what a correction changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.lifecycle.sequential import e_values
from nightjar.core.model.spec import Challenge
from nightjar.core.monitoring.challenge import Finding, ShadowEvidence, Step, evidence_of, step_of
from nightjar.core.monitoring.entities import NightComparison
from nightjar.testing.versions import toy_version

SEEN = date(2013, 5, 1)
CHAMPION = toy_version(id=1, trained_through=SEEN)
CHALLENGER = toy_version(id=2, number=2, trained_through=SEEN)
KNOWN = datetime(2013, 6, 1, tzinfo=UTC)
ALPHA = 0.05
GAINS = st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=25)


def night(number, gain, *, known=None, champion=1, challenger=2):
    return NightComparison(
        run_id=number,
        model="toy",
        score_date=SEEN + timedelta(days=number),
        version_id=champion,
        challenger_id=challenger,
        rows=9,
        with_outcome=9,
        champion={"brier": 0.5},
        challenger={"brier": None if gain is None else 0.5 - gain},
        measured_at=KNOWN + timedelta(days=number if known is None else known),
    )


def evidence(*nights):
    return evidence_of(nights, "brier", CHAMPION, CHALLENGER, ALPHA)


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
def test_the_policy_says_what_follows(changes, automatic, approval):
    assert step_of(found(**changes), AUTOMATIC) is automatic
    assert step_of(found(**changes), APPROVAL) is approval
    assert step_of(found(**changes), BY_HAND) is step_of(found(**changes), None) is Step.WAIT
