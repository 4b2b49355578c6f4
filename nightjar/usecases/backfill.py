"""Many nights, one after the other: what is published already stays, and one bad night does not stop the rest."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from nightjar.core.entities import NightSummary
from nightjar.core.errors import NightjarError
from nightjar.core.ports import Progress, silent


@dataclass(frozen=True, slots=True)
class FailedNight:
    score_date: date
    error: NightjarError


@dataclass(frozen=True, slots=True)
class BackfillSummary:
    nights: tuple[NightSummary, ...]
    failed: tuple[FailedNight, ...]

    @property
    def published_now(self) -> tuple[NightSummary, ...]:
        return tuple(night for night in self.nights if not night.already_published)


def backfill(dates: Iterable[date], score: Callable[[date], NightSummary], progress: Progress = silent) -> BackfillSummary:
    """Score each date; collect what failed instead of raising. Running it again does only what is missing."""
    dates = tuple(dates)
    nights: list[NightSummary] = []
    failed: list[FailedNight] = []
    with progress("nights scored", len(dates)) as advance:
        for score_date in dates:
            try:
                nights.append(score(score_date))
            except NightjarError as error:
                failed.append(FailedNight(score_date, error))
            advance()
    return BackfillSummary(tuple(nights), tuple(failed))
