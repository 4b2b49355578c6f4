"""What the nights say so far of a challenger beside the champion, and what follows from it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from nightjar.core.lifecycle.sequential import Numbers, confidence_sequence, e_values
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import Challenge
from nightjar.core.monitoring.entities import NightComparison


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


class Step(StrEnum):
    """What follows from the evidence."""

    PROMOTE = "promote"
    WITHDRAW = "withdraw"
    ASK = "ask a person"
    WAIT = "wait"


def step_of(evidence: ShadowEvidence, challenge: Challenge | None) -> Step:
    """Return what follows by the policy of a spec. Without one, a person decides."""
    if challenge is None or challenge.promote == "by hand":
        return Step.WAIT
    if evidence.finding is Finding.BETTER:
        return Step.PROMOTE if challenge.promote == "automatic" else Step.ASK
    over = evidence.finding is Finding.WORSE or evidence.nights >= challenge.nights
    return Step.WITHDRAW if over else Step.WAIT


def told(evidence: ShadowEvidence, title: str) -> str:
    """Return the evidence in words, for the ledger. title: of the metric that is the mean loss."""
    alpha = 1 / evidence.needed
    return (
        f"{evidence.finding.value}: in {evidence.nights} nights its {title} was lower by {evidence.gain:.4g} "
        f"on average (confidence sequence {evidence.low:.4g} to {evidence.high:.4g}), e-value "
        f"{evidence.better:.3g} for it and {evidence.worse:.3g} against it, needed {evidence.needed:g} "
        f"(alpha {alpha:g})"
    )


def evidence_of(
    comparisons: Iterable[NightComparison], metric: str, champion: Version, challenger: Version, alpha: float
) -> ShadowEvidence:
    """The evidence by all that is known.

    comparisons: of the model, in the order in which they were known. metric: the mean loss of its kind.
    Nights that either version may have seen do not count.

    A correction restates its night. The e-values are the smaller ones by the nights as they were known first
    and as they are known now. So a correction can take evidence away. It cannot decide alone, and the error
    probability alpha also holds where nights are restated.
    """
    first, newest = _by_night(
        [
            (each.score_date, gain)
            for each in comparisons
            if _counts(each, champion, challenger) and (gain := _gain(each, metric)) is not None
        ]
    )
    low, high = confidence_sequence(newest, alpha)
    return ShadowEvidence(
        nights=newest.size,
        gain=float(newest.mean()) if newest.size else 0.0,
        low=low,
        high=high,
        better=min(_last(first), _last(newest)),
        worse=min(_last(-first), _last(-newest)),
        needed=1 / alpha,
    )


def _counts(night: NightComparison, champion: Version, challenger: Version) -> bool:
    unseen = night.score_date > max(champion.trained_through, challenger.trained_through)
    return unseen and (night.version_id, night.challenger_id) == (champion.id, challenger.id)


def _gain(night: NightComparison, metric: str) -> float | None:
    champion, challenger = night.champion[metric], night.challenger[metric]
    return None if champion is None or challenger is None else champion - challenger


def _by_night(gains: Sequence[tuple[date, float]]) -> tuple[Numbers, Numbers]:
    """The first and the newest gain of each night, in the order in which the nights became known."""
    # A dict keeps the first place of a key and its last value.
    first, newest = dict(reversed(gains)), dict(gains)
    return np.array([first[night] for night in newest], np.float64), np.array([*newest.values()], np.float64)


def _last(gains: Numbers) -> float:
    return float(e_values(gains)[-1]) if gains.size else 1.0
