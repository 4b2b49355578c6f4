"""What the nights say so far of a challenger beside the champion, and what follows from it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from nightjar.core.lifecycle.promotion import failures_of
from nightjar.core.lifecycle.sequential import Flags, Numbers, confidence_sequence, e_values
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import Challenge
from nightjar.core.monitoring.entities import NightComparison
from nightjar.core.plurals import counted


class Finding(StrEnum):
    """What is known of the challenger."""

    BETTER = "better"
    WORSE = "worse"
    OPEN = "cannot tell yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowEvidence:
    """The nights of one challenger beside one champion.

    nights: those that count. gain: the mean difference of the loss, above 0 if the challenger is better.
    low, high: its confidence sequence (nightjar/core/lifecycle/sequential.py). better, worse: the e-values
    for the challenger and for the champion. needed: the e-value that decides.
    """

    nights: int
    gain: float
    low: float
    high: float
    better: float
    worse: float
    needed: float

    @property
    def finding(self) -> Finding:
        if self.better >= self.needed:
            return Finding.BETTER
        return Finding.WORSE if self.worse >= self.needed else Finding.OPEN

    @property
    def more_nights(self) -> int | None:
        """How many more nights like those until now are needed. None if these nights lead nowhere."""
        ahead = max(self.better, self.worse)
        if self.finding is not Finding.OPEN or ahead <= 1:
            return None
        return math.ceil(self.nights * (math.log(self.needed) / math.log(ahead) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What the challenger serves, and what the nights say since it does.

    share: of the entities, 0 in shadow. nights: the measured nights in which it served that share or more.
    evidence: by the nights in which it served any.
    """

    share: float
    nights: int
    evidence: ShadowEvidence


class Step(StrEnum):
    """What follows from the evidence."""

    PROMOTE = "promote"
    WITHDRAW = "withdraw"
    ASK = "ask a person"
    SERVE = "serve more"
    STOP = "serve none"
    WAIT = "wait"


def step_of(evidence: ShadowEvidence, serving: Serving, challenge: Challenge | None) -> Step:
    """Return what follows by the policy of a spec. Without one, a person decides.

    A share ends as soon as the nights in which the challenger serves say that it is worse, by every policy.
    """
    by_hand = challenge is None or challenge.promote == "by hand"
    if serving.share > 0 and serving.evidence.finding is Finding.WORSE:
        return Step.STOP if by_hand else Step.WITHDRAW
    if challenge is not None and challenge.stages and serving.share > 0:
        return _next_stage(serving, challenge)
    if challenge is None or by_hand:
        return Step.WAIT
    if evidence.finding is Finding.BETTER:
        return _of_better(challenge)
    over = evidence.finding is Finding.WORSE or evidence.nights >= challenge.nights
    return Step.WITHDRAW if over else Step.WAIT


def held_to_gates(challenger: Version, step: Step) -> Step:
    """By no policy does a version that failed its gates serve more, or become champion, by itself.

    Good nights do not say that it may: a person is asked.
    """
    return Step.ASK if step in {Step.SERVE, Step.PROMOTE} and failures_of(challenger) else step


def _of_better(challenge: Challenge) -> Step:
    if challenge.promote == "approval":
        return Step.ASK
    return Step.SERVE if challenge.stages else Step.PROMOTE


def _next_stage(serving: Serving, challenge: Challenge) -> Step:
    """What follows while a share is served that is not found to be worse.

    While the nights say more against it than for it, the share does not grow.
    """
    if serving.evidence.nights >= challenge.nights and challenge.promote != "by hand":
        return Step.WITHDRAW
    if serving.nights < challenge.nights_per_stage or serving.evidence.worse > serving.evidence.better:
        return Step.WAIT
    if next_share(serving.share, challenge) is not None:
        return Step.SERVE
    return {"automatic": Step.PROMOTE, "approval": Step.ASK, "by hand": Step.WAIT}[challenge.promote]


def next_share(share: float, challenge: Challenge | None) -> float | None:
    """The share of the next stage. None after the last one, and for a policy without stages."""
    stages = () if challenge is None else challenge.stages
    return min((stage for stage in stages if stage > share), default=None)


def told(evidence: ShadowEvidence, title: str, share: float = 0) -> str:
    """Return the evidence in words, for the ledger.

    title: of the metric that is the mean loss. share: that the challenger serves; then only nights in which
    it served are told.
    """
    alpha = 1 / evidence.needed
    nights = counted(evidence.nights, "night") + (f" at up to {share:.3g} of the entities" if share else "")
    return (
        f"{evidence.finding.value}: in {nights} its {title} was lower by {evidence.gain:.4g} "
        f"on average (confidence sequence {evidence.low:.4g} to {evidence.high:.4g}), e-value "
        f"{evidence.better:.3g} for it and {evidence.worse:.3g} against it, needed {evidence.needed:g} "
        f"(alpha {alpha:g})"
    )


def evidence_of(
    comparisons: Iterable[NightComparison],
    metric: str,
    champion: Version,
    challenger: Version,
    alpha: float,
    *,
    served: bool = False,
) -> ShadowEvidence:
    """The evidence by all that is known.

    comparisons: of the model on one basis, in the order in which they were known. metric: the mean loss of
    its kind. served: only nights in which the challenger served rows count; the others say how large a
    difference usually is. Nights that either version may have seen do not count.

    A correction restates its night. The e-values are the smaller ones by the nights as they were known first
    and as they are known now. So a correction can take evidence away. It cannot decide alone, and the error
    probability alpha also holds where nights are restated.
    """
    known = [each for each in comparisons if counts(each, metric, champion, challenger)]
    # A dict keeps the first place of a key and its last value.
    newest = {each.score_date: each for each in known}
    earliest = {each.score_date: each for each in reversed(known)}
    gains = np.array([_gain(night, metric) for night in newest.values()], np.float64)
    first = np.array([_gain(earliest[day], metric) for day in newest], np.float64)
    bets = np.array([night.share > 0 or not served for night in newest.values()], np.bool_)
    low, high = confidence_sequence(gains, alpha, bets)
    return ShadowEvidence(
        nights=int(bets.sum()),
        gain=float(gains[bets].mean()) if bets.any() else 0.0,
        low=low,
        high=high,
        better=min(_last(first, bets), _last(gains, bets)),
        worse=min(_last(-first, bets), _last(-gains, bets)),
        needed=1 / alpha,
    )


def counts(night: NightComparison, metric: str, champion: Version, challenger: Version) -> bool:
    """True if a comparison is one of these two versions, on outcomes that neither has seen."""
    unseen = not (champion.has_seen(night.score_date) or challenger.has_seen(night.score_date))
    ours = (night.version_id, night.challenger_id) == (champion.id, challenger.id)
    both = (night.champion.get(metric), night.challenger.get(metric))
    return unseen and ours and None not in both


def nights_at(
    share: float,
    comparisons: Iterable[NightComparison],
    metric: str,
    champion: Version,
    challenger: Version,
) -> int:
    """How many measured nights there are in which the challenger served at least this share."""
    ours = (each for each in comparisons if counts(each, metric, champion, challenger))
    return len({each.score_date for each in ours if 0 < share <= each.share})


def _gain(night: NightComparison, metric: str) -> float:
    champion, challenger = night.champion[metric], night.challenger[metric]
    assert champion is not None
    assert challenger is not None
    return champion - challenger


def _last(gains: Numbers, bets: Flags) -> float:
    return float(e_values(gains, bets)[-1]) if gains.size else 1.0
