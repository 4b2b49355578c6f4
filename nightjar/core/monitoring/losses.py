"""Is a model as good as its tests? The loss of its last nights beside what their versions' tests expect."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

NIGHTS = 28
FEWEST_NIGHTS = 14
"""Of fewer measured nights nobody can say if a model is worse than its test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightLoss:
    """The loss of a night whose outcomes its version has not seen.

    expected: the upper end of the interval at 95% that the test of its version gave. rows: with an outcome.
    """

    score_date: date
    metric: str
    value: float
    expected: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingLoss:
    """The mean loss of the last measured nights, by rows.

    last: the newest of them. expected: the most that the tests of their versions expect.
    """

    metric: str
    nights: int
    last: date
    value: float
    expected: float

    @property
    def worse(self) -> bool:
        return self.value > self.expected


def trailing_loss(nights: Iterable[NightLoss]) -> TrailingLoss | None:
    """Hold each night to the test of the version that scored it: a newer one answers for its own nights.

    nights: by score date, of one metric. None if too few are measured.
    """
    last = [*nights][-NIGHTS:]
    if len(last) < FEWEST_NIGHTS:
        return None
    rows = sum(night.rows for night in last)
    return TrailingLoss(
        metric=last[-1].metric,
        nights=len(last),
        last=last[-1].score_date,
        value=sum(night.value * night.rows for night in last) / rows,
        expected=sum(night.expected * night.rows for night in last) / rows,
    )
