"""What makes the scores of a night absurd, whatever they predict: statements that kinds choose from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightjar.core.kinds.limits import Limit

if TYPE_CHECKING:
    from nightjar.core.comparison.entities import Distribution

Finding = Callable[["Distribution", Sequence[float], float], str | None]
"""What stands against a night, in words, or None.

Given are the scores of the night, at least one; the mean scores of the published nights before it; the limit.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absurdity(Limit):
    """Something about a night's scores that the limit of this name bounds."""

    finding: Finding


# Every finding takes these three arguments.
def alike(scores: "Distribution", usual_means: Sequence[float], limit: float) -> str | None:  # noqa: ARG001
    """Fewer distinct scores a row than the limit: a constant score is none."""
    if scores.distinct >= limit * scores.rows:
        return None
    return f"{scores.rows} rows share {scores.distinct} distinct scores, at least {limit:.0%} must differ"


def shifted(scores: "Distribution", usual_means: Sequence[float], limit: float) -> str | None:
    """A mean score that lies further than the limit, in score units, from the mean of the nights before."""
    if not usual_means:
        return None
    usual = sum(usual_means) / len(usual_means)
    if abs(scores.mean - usual) <= limit:
        return None
    before = f"the last {len(usual_means)} nights had {usual:.3f}"
    return f"the mean score is {scores.mean:.3f}, {before}; {limit} apart is the limit"
