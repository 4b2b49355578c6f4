"""What makes the scores of a night absurd, whatever they predict: statements that kinds choose from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from nightjar.core.kinds.limits import Limit
from nightjar.core.wording import two_lines

if TYPE_CHECKING:
    from nightjar.core.comparison.entities import Distribution, NightProfile

Finding = Callable[["Distribution", Sequence["NightProfile"], float], str | None]
"""What stands against a night, in `two_lines`, or None.

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
    return two_lines(
        "Many rows have the same score",
        f"Different scores: {scores.distinct:,} of {scores.rows:,} rows. Limit: {limit:.0%} must differ",
    )


def shifted(scores: "Distribution", trailing: Sequence["NightProfile"], limit: float) -> str | None:
    """A mean score that lies further than the limit, in score units, from the mean of the nights before."""
    before = [night.score[0] for night in trailing if night.score is not None]
    if not before:
        return None
    usual = _mean(before)
    if abs(scores.mean - usual) <= limit:
        return None
    return two_lines(
        _mean_told(scores.mean, usual),
        f"Mean score: {scores.mean:.3f}. Of the last {len(before)} nights: {usual:.3f}. Limit: {limit} apart",
    )


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
    return two_lines(
        _mean_told(scores.mean, usual),
        f"Mean score: {scores.mean:.6g}. Of the last {len(before)} nights: {usual:.6g}, with a standard "
        f"deviation of {spread:.6g}. Limit: {limit:g} standard deviations apart",
    )


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
    return two_lines(
        f"{most!r} is predicted {'more' if moved[most] > 0 else 'less'} often than usual",
        f"Share of {most!r}: {now.get(most, 0):.1%}. Of the last {len(before)} nights: "
        f"{now.get(most, 0) - moved[most]:.1%}. Distance of the shares of all classes: {distance:.3f}. "
        f"Limit: {limit}",
    )


def shares(rows: Mapping[str, int]) -> dict[str, float]:
    total = sum(rows.values())
    return {name: count / total for name, count in rows.items()}


def _mean_told(mean: float, usual: float) -> str:
    return f"The mean score is {'higher' if mean > usual else 'lower'} than usual"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
