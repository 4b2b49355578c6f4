"""Deliveries that were set aside, and which of them a night would have needed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from pydantic import AwareDatetime

from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.values import Value


class Refusal(Value):
    """A delivery that broke its dataset. It counts as never made until another one of its day lands.

    file: where it lay; kept: the copy of its bytes, if they could be read. content: a hash of the bytes, or
    of the problem if they could not.
    recorded_at: as the feed says; refused_at: when it was looked at first (both UTC).
    """

    dataset: str
    day: date
    content: str
    file: str
    column: str | None
    problem: str
    remedy: str
    recorded_at: AwareDatetime
    refused_at: AwareDatetime
    kept: str | None = None

    @property
    def error(self) -> BadDelivery:
        """What was raised when the file was looked at."""
        return BadDelivery(self.file, self.problem, self.remedy, self.column)

    def wanted_by(self, model: str, score_date: date, why: str, *, acceptable: bool = False) -> BadDelivery:
        """The error of a night that needs this delivery and has no other.

        acceptable: whether a person may have the night scored without.
        """
        problem = f"{self.problem}. {model} {score_date} needs this delivery: {why}"
        return BadDelivery(
            self.file, problem, self.remedy, self.column, (model, score_date) if acceptable else None
        )


def refused_for(refusals: Iterable[Refusal], day: date, known_at: datetime) -> Refusal | None:
    """The newest delivery of a day that was set aside, of those recorded by an instant."""
    return newest(refusal for refusal in refusals if refusal.day == day and refusal.recorded_at <= known_at)


def refused_after(
    refusals: Iterable[Refusal], landed: Mapping[date, Sequence[datetime]], known_at: datetime
) -> Refusal | None:
    """The newest delivery set aside of a day later than all that had landed, as known at an instant.

    landed: each landed day with the instants its deliveries were recorded at, oldest first.
    """
    last = max((day for day, instants in landed.items() if instants[0] <= known_at), default=date.min)
    return newest(refusal for refusal in refusals if refusal.day > last and refusal.recorded_at <= known_at)


def newest(refusals: Iterable[Refusal]) -> Refusal | None:
    return max(
        refusals, key=lambda refusal: (refusal.day, refusal.recorded_at, refusal.refused_at), default=None
    )
