"""A delivery that has landed, and whose file is gone."""

from dataclasses import dataclass
from datetime import date, datetime

from nightjar.core.plurals import days_told


@dataclass(frozen=True, slots=True)
class LostDelivery:
    """last: as `day`, unless the file was about several days. file: where it lay. recorded_at: in UTC."""

    dataset: str
    day: date
    last: date
    file: str
    recorded_at: datetime

    @property
    def about(self) -> str:
        """The days that the file is about, in words."""
        return days_told(self.day, self.last)
