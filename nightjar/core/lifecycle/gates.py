"""What a version must prove on unseen rows: its own metrics, and its loss beside that of others.

Every kind has the gates on losses. Those on metrics are the kind's.
"""

from collections.abc import Iterable, Iterator

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.gates import GateResult, Requirement, Verdict, judge, told_of, untold
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.comparing import AGAINST_PAST
from nightjar.core.lifecycle.evidence import Comparison, Evidence, SliceLoss
from nightjar.core.lifecycle.proving import proofs_judged
from nightjar.core.lifecycle.slicing import worse, worst_part
from nightjar.core.model.judging import BY_LEVEL, TOO_GOOD, TOO_GOOD_AT_FIRST, WITHIN_NIGHTS, WORST_SLICE
from nightjar.core.model.spec import ModelSpec

OVER = {
    Of.CONSTANT: "max_loss_over_constant",
    Of.BASELINE: "max_loss_over_baseline",
    Of.CHAMPION: "max_loss_over_champion",
    Of.ANCHOR: "max_loss_over_anchor",
}
"""Predictor -> the gate on the loss of a version over its loss."""
RIVALS = (Of.BASELINE, Of.CHAMPION)


def judged_by(spec: ModelSpec, evidence: Evidence) -> tuple[GateResult, ...]:
    """The verdict of each gate by the limits of a spec."""
    own = judge(spec.kind.gates, evidence.metrics, spec.gates, spec.certainty)
    beside = (_beside(spec, one, evidence) for one in OVER)
    proven = () if evidence.proofs is None else proofs_judged(spec, evidence.proofs)
    parts = _against_past(spec, evidence)
    return (*own, *beside, *parts, _too_good(spec, evidence), *_in_slices(spec, evidence), *proven)


def _loss(spec: ModelSpec) -> str:
    return spec.kind.metric(spec.kind.loss.metric).title


def _beside(spec: ModelSpec, other: Of, evidence: Evidence) -> GateResult:
    """The champion and the anchor are compared at one level: their levels differ by chance for the most."""
    found = evidence.beside(other)
    number, leveled = (found.number, found.at_one_level) if found else (None, None)
    how = " at one level" if leveled else ""
    wanted = _loss_at_most(spec, OVER[other], how, other, number, _enough(other, evidence))
    if found is None and other in AGAINST_PAST:
        return wanted.untold("there is no champion to compare with", Verdict.PASSED)
    return wanted.judge(leveled or (found.found if found else None), spec.certainty)


def _loss_at_most(
    spec: ModelSpec, gate: str, how: str, other: Of, number: int | None, enough: str = ""
) -> Requirement:
    """A bound on the loss over that of another. It fails once the version is surely worse than the other."""
    limit = spec.gates[gate]
    return Requirement(
        name=gate,
        what=f"{_loss(spec)}{how} over that of the {_told(other, number)}",
        bound="at most",
        limit=limit,
        fails=min(limit, 1.0),
        beside=number,
        enough=enough,
    )


def _enough(other: Of, evidence: Evidence) -> str:
    """Beside a champion it is enough that a version is not surely worse than the constant or the baseline.

    The champion has proved that it is better, and the version is held to the champion. The levels of the
    constant and of the baseline are far off at times, so these comparisons are the noisiest.
    """
    champion = evidence.beside(Of.CHAMPION)
    measured = champion is not None and champion.found is not None and champion.found.error is not None
    return "more is not asked beside a champion" if measured and other not in AGAINST_PAST else ""


def _told(other: Of, number: int | None) -> str:
    return other if number is None else f"{other}, version {number},"


def _against_past(spec: ModelSpec, evidence: Evidence) -> Iterator[GateResult]:
    """By the parts of the loss. Each is judged beside the champion or the anchor, where it is worse."""
    found = [one for other in AGAINST_PAST if (one := evidence.beside(other))]
    within = [(one, one.within_nights) for one in found if one.within_nights]
    level = [(one, one.by_level) for one in found if one.by_level]
    if within:
        yield _within_nights(spec, *_worst(spec, within))
    if level:
        yield _by_level(spec, *_worst(spec, level))


def _worst(spec: ModelSpec, parts: Iterable[tuple[Comparison, Estimate]]) -> tuple[Comparison, Estimate]:
    return max(parts, key=lambda one: one[1].within(spec.certainty.alpha)[1])


def _within_nights(spec: ModelSpec, other: Comparison, found: Estimate) -> GateResult:
    wanted = _loss_at_most(spec, WITHIN_NIGHTS, " within nights", other.beside, other.number)
    return wanted.judge(found, spec.certainty)


def _by_level(spec: ModelSpec, other: Comparison, found: Estimate) -> GateResult:
    """It shows harm, and cannot show that there is none: a level is right or wrong by chance for weeks."""
    limit, alpha = spec.gates[BY_LEVEL], spec.certainty.alpha
    low, high = found.within(alpha)
    told = (
        f"{_loss(spec)} by the level alone over that of the {_told(other.beside, other.number)} is "
        f"{found.value:.4f} ({low:.4f} to {high:.4f}), may not surely be above {limit:.4f}"
    )
    verdict = Verdict.FAILED if low > limit else Verdict.PASSED
    doubt = ": its scores are too high or too low on the whole" if verdict is Verdict.FAILED else ""
    return told_of(BY_LEVEL, found, limit, f"{told}{doubt}", verdict, alpha, other.number)


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
    limit = spec.gates[WORST_SLICE]
    found = [(one, part) for one in evidence.slices if (part := worst_part(one, limit))]
    if not evidence.slices and not evidence.slices_left_out:
        return
    if not found:
        yield untold(WORST_SLICE, limit, "no slice has enough rows and nights")
        return
    bad = worse(evidence.slices, evidence.farthest, limit, spec.certainty.alpha)
    shown = bad or [max(found, key=lambda each: each[1].value)]
    told = "; ".join(_slice_told(spec, *each) for each in shown)
    reason = f"{'worse on' if bad else 'the worst of'} {len(bad or found)} slices: {told}; limit {limit:.4f}"
    verdict = Verdict.FAILED if bad else Verdict.PASSED
    value = shown[0][1].value
    yield GateResult(name=WORST_SLICE, value=value, threshold=limit, reason=reason, verdict=verdict)


def _slice_told(spec: ModelSpec, one: SliceLoss, part: Estimate) -> str:
    low, high = part.within(spec.certainty.alpha)
    nights = " within nights" if part is one.within else ""
    return f"{one.title} {part.value:.4f}{nights} ({low:.4f} to {high:.4f}) of the {one.beside}'s"
