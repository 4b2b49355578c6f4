"""What makes the scores of a night absurd, whatever they predict: statements that kinds choose from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from nightjar.core.kinds.limits import Limit

if TYPE_CHECKING:
    from nightjar.core.comparison.entities import Distribution, NightProfile

Finding = Callable[["Distribution", Sequence["NightProfile"], float], str | None]
"""What stands against a night, in words, or None.

Given are the scores of the night, at least one; the published nights before it; the limit.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absurdity(Limit):
    """Something about a night's scores that the limit of this name bounds."""

    finding: Finding


# Every finding takes these three arguments.
def alike(scores: "Distribution", trailing: Sequence["NightProfile"], limit: float) -> str | None:  # noqa: ARG001
    """Fewer distinct scores a row than the limit: a constant score is none."""
    if scores.distinct >= limit * scores.rows:
        return None
    return f"{scores.rows} rows share {scores.distinct} distinct scores, at least {limit:.0%} must differ"


def shifted(scores: "Distribution", trailing: Sequence["NightProfile"], limit: float) -> str | None:
    """A mean score that lies further than the limit, in score units, from the mean of the nights before."""
    before = [night.score[0] for night in trailing if night.score is not None]
    if not before:
        return None
    usual = _mean(before)
    if abs(scores.mean - usual) <= limit:
        return None
    told = f"the last {len(before)} nights had {usual:.3f}"
    return f"the mean score is {scores.mean:.3f}, {told}; {limit} apart is the limit"


def shifted_by_spread(scores: "Distribution", trailing: Sequence["NightProfile"], limit: float) -> str | None:
    """A mean score that lies further from the mean of the nights before than the limit.

    The unit of the limit is the standard deviation of the scores of one night: the root of the mean variance
    of the nights before. So the limit means the same for minutes and for dollars.
    """
    before = [night.score for night in trailing if night.score is not None]
    if not before:
        return None
    usual = _mean([mean for mean, _ in before])
    spread = sqrt(_mean([stddev**2 for _, stddev in before]))
    if abs(scores.mean - usual) <= limit * spread:
        return None
    told = f"the last {len(before)} nights had {usual:.6g} with a standard deviation of {spread:.6g}"
    return f"the mean score is {scores.mean:.6g}, {told}; {limit:g} standard deviations apart is the limit"


def mix_shifted(scores: "Distribution", trailing: Sequence["NightProfile"], limit: float) -> str | None:
    """Predicted classes whose shares lie further than the limit from those of the nights before.

    The distance is the total variation: half the sum of the differences, the least share of rows that would
    have to get another class.
    """
    before = [shares(night.classes) for night in trailing if night.classes]
    if not before:
        return None
    now = shares(scores.classes)
    names = sorted({*now, *(name for night in before for name in night)})
    moved = {name: now.get(name, 0) - _mean([night.get(name, 0) for night in before]) for name in names}
    distance = sum(map(abs, moved.values())) / 2
    if distance <= limit:
        return None
    most = max(moved, key=lambda name: abs(moved[name]))
    return (
        f"the shares of the predicted classes lie {distance:.3f} from those of the last {len(before)} "
        f"nights; {limit} is the limit. The share of {most!r} is {now.get(most, 0):.1%}, "
        f"before it was {now.get(most, 0) - moved[most]:.1%}"
    )


def shares(rows: Mapping[str, int]) -> dict[str, float]:
    total = sum(rows.values())
    return {name: count / total for name, count in rows.items()}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
