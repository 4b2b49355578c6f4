"""Some deliveries are set aside, and a night may need one of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from pydantic import AwareDatetime

from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.plurals import days_told
from nightjar.core.values import Value


class Refusal(Value):
    """A delivery that breaks its dataset's schema. Until another one for its day lands, the day has none.

    last: the last day of a file about several days, whose first is `day`.
    file: its place when it was read. kept: the copy of its bytes, if they could be read. content: a hash of
    the bytes, or of the problem if the bytes could not be read. recorded_at: as the feed says (UTC).
    refused_at: when it was first looked at (UTC).
    """

    dataset: str
    day: date
    last: date | None = None
    content: str
    file: str
    column: str | None
    problem: str
    remedy: str
    recorded_at: AwareDatetime
    refused_at: AwareDatetime
    kept: str | None = None

    @property
    def through(self) -> date:
        """The last day that the file is about, also of a file about one day."""
        return self.last or self.day

    @property
    def about(self) -> str:
        """The days that the file is about, in words."""
        return days_told(self.day, self.through)

    @property
    def name(self) -> str:
        """The dataset and the days: what people call the delivery."""
        return f"{self.dataset} {self.about}"

    @property
    def told(self) -> str:
        """What is wrong with it, and where in the file."""
        return f"column {self.column!r}: {self.problem}" if self.column else self.problem

    @property
    def error(self) -> BadDelivery:
        """The error that was raised when the file was looked at."""
        return BadDelivery(self.file, self.problem, self.remedy, self.column)

    def wanted_by(self, model: str, score_date: date, why: str, *, acceptable: bool = False) -> BadDelivery:
        """Return the error of a night that needs this delivery and has no other.

        acceptable: True if a person may have the night scored without it.
        """
        problem = f"{self.problem}. {model} {score_date} needs this delivery: {why}"
        return BadDelivery(
            self.file, problem, self.remedy, self.column, (model, score_date) if acceptable else None
        )


def refused_for(
    refusals: Iterable[Refusal], first: date, last: date, known_at: datetime
) -> Iterator[Refusal]:
    """Return the set-aside deliveries about some day of first..last among those recorded by `known_at`."""
    return (
        refusal
        for refusal in refusals
        if refusal.day <= last and first <= refusal.through and refusal.recorded_at <= known_at
    )


def refused_after(
    refusals: Iterable[Refusal], landed: Mapping[date, Sequence[datetime]], known_at: datetime
) -> Refusal | None:
    """Return the newest set-aside delivery for a day later than every landed day, as known at `known_at`.

    landed: each landed day with the instants at which its deliveries were recorded, oldest first.
    """
    last = max((day for day, instants in landed.items() if instants[0] <= known_at), default=date.min)
    return newest(
        refusal for refusal in refusals if refusal.through > last and refusal.recorded_at <= known_at
    )


def newest(refusals: Iterable[Refusal]) -> Refusal | None:
    return max(
        refusals, key=lambda refusal: (refusal.day, refusal.recorded_at, refusal.refused_at), default=None
    )
