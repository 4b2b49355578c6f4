"""What a version must prove on unseen rows: its own metrics, and its loss beside that of others.

Every kind has the gates on losses. Those on metrics are the kind's.
"""

from collections.abc import Iterator
from math import inf

from nightjar.core.kinds.gates import GateResult, Requirement, Verdict, judge, untold
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.evidence import Comparison, Evidence, SliceLoss
from nightjar.core.lifecycle.proving import proofs_judged
from nightjar.core.lifecycle.resampling import worse
from nightjar.core.model.judging import TOO_GOOD, TOO_GOOD_AT_FIRST, WORST_SLICE
from nightjar.core.model.spec import ModelSpec

OVER = {
    Of.CONSTANT: "max_loss_over_constant",
    Of.BASELINE: "max_loss_over_baseline",
    Of.CHAMPION: "max_loss_over_champion",
    Of.ANCHOR: "max_loss_over_anchor",
}
"""Predictor -> the gate on the loss of a version over its loss."""
AGAINST_PAST = (Of.CHAMPION, Of.ANCHOR)
RIVALS = (Of.BASELINE, Of.CHAMPION)


def judged_by(spec: ModelSpec, evidence: Evidence) -> tuple[GateResult, ...]:
    """The verdict of each gate by the limits of a spec."""
    own = judge(spec.kind.gates, evidence.metrics, spec.gates, spec.certainty)
    beside = (_beside(spec, other, evidence.beside(other)) for other in OVER)
    proven = () if evidence.proofs is None else proofs_judged(spec, evidence.proofs)
    return (*own, *beside, _too_good(spec, evidence), *_in_slices(spec, evidence), *proven)


def _loss(spec: ModelSpec) -> str:
    return spec.kind.metric(spec.kind.loss.metric).title


def _beside(spec: ModelSpec, other: Of, found: Comparison | None) -> GateResult:
    limit = spec.gates[OVER[other]]
    number = found.number if found else None
    wanted = Requirement(
        name=OVER[other],
        what=f"{_loss(spec)} over that of the {_told(other, number)}",
        bound="at most",
        limit=limit,
        fails=min(limit, 1.0),
        beside=number,
    )
    if found is None and other in AGAINST_PAST:
        return wanted.untold("there is no champion to compare with", Verdict.PASSED)
    return wanted.judge(found.found if found else None, spec.certainty)


def _told(other: Of, number: int | None) -> str:
    return other if number is None else f"{other}, version {number},"


def _too_good(spec: ModelSpec, evidence: Evidence) -> GateResult:
    """A version that leaves all its rivals far behind may know the outcomes."""
    rivals = [beside for other in RIVALS if (beside := evidence.beside(other))]
    quotients = {one.beside: one.found.value for one in rivals if one.found}
    name = TOO_GOOD if Of.CHAMPION in quotients else TOO_GOOD_AT_FIRST
    limit = spec.gates[name]
    if not quotients:
        return untold(name, limit, "no rival could be measured")
    nearest = max(quotients, key=lambda other: quotients[other])
    value = quotients[nearest]
    told = f"{_loss(spec)} over that of the {nearest} is {value:.4f}"
    verdict = Verdict.ASKS if value < limit else Verdict.PASSED
    doubt = ": too good to be true, unless a person knows why" if verdict is Verdict.ASKS else ""
    reason = f"{told}, must be at least {limit:.4f}{doubt}"
    return GateResult(name=name, value=value, threshold=limit, reason=reason, verdict=verdict)


def _in_slices(spec: ModelSpec, evidence: Evidence) -> Iterator[GateResult]:
    """One gate for all slices, if there are any. It shows harm, and cannot show that there is none."""
    limit, found = spec.gates[WORST_SLICE], [one for one in evidence.slices if one.found]
    if not evidence.slices and not evidence.slices_left_out:
        return
    if not found:
        yield untold(WORST_SLICE, limit, "no slice has enough rows and nights")
        return
    worst = max(found, key=_quotient)
    told_worse = worse([one.found for one in found], limit, spec.certainty.alpha)
    bad = [one for one, is_worse in zip(found, told_worse, strict=True) if is_worse]
    told = "; ".join(_slice_told(spec, one) for one in bad or [worst])
    reason = f"{'worse on' if bad else 'the worst of'} {len(bad or found)} slices: {told}; limit {limit:.4f}"
    verdict = Verdict.FAILED if bad else Verdict.PASSED
    value = _quotient(worst)
    yield GateResult(name=WORST_SLICE, value=value, threshold=limit, reason=reason, verdict=verdict)


def _quotient(one: SliceLoss) -> float:
    return -inf if one.found is None else one.found.value


def _slice_told(spec: ModelSpec, one: SliceLoss) -> str:
    assert one.found is not None
    low, high = one.found.within(spec.certainty.alpha)
    return f"{one.title} {one.found.value:.4f} ({low:.4f} to {high:.4f}) of the {one.beside}'s"
