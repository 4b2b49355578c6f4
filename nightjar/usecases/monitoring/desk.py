"""The pages of the desk: gathers what an analyst may see, and says in which state each night is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile

from nightjar.core.desk.calendar import Day, days
from nightjar.core.desk.entities import Desk, Nights, OfNight
from nightjar.core.model.occasions import occasions_between
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.promises import promised_by
from nightjar.core.ports.desk import DeskReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDesk:
    """specs: the models whose folders are there, by name."""

    reader: DeskReader
    specs: Mapping[str, ModelSpec]

    def model(self, model: str) -> tuple[Desk, tuple[Day, ...]]:
        """Return what is known of a year of nights, and their states, oldest first."""
        desk = self.reader.desk(model)
        return desk, self._days(desk)

    def night(self, model: str, score_date: date) -> tuple[Nights, Day, OfNight] | None:
        """Return the nights around a night, its state, and what is known of it. None if there is none."""
        nights = self.reader.nights(model)
        day = next((day for day in self._days(nights) if day.score_date == score_date), None)
        return None if day is None else (nights, day, self.reader.night(model, score_date))

    def _days(self, seen: Nights) -> tuple[Day, ...]:
        deadlines = self._deadlines(seen)
        late = {day for day, by in deadlines.items() if by <= seen.sent_at}
        return tuple(days(seen.nights, {*self._due(seen), *late}, deadlines))

    def _due(self, seen: Nights) -> Iterator[date]:
        """The nights of the schedule between the first and the last that were begun."""
        spec = self.specs.get(seen.model)
        if spec is not None and seen.nights:
            first, last = seen.nights[0].score_date, seen.nights[-1].score_date
            yield from occasions_between(spec, first, last)

    def _deadlines(self, seen: Nights) -> Mapping[date, datetime]:
        """Until when each night was promised, from the model's first publication on.

        A night of before was scored afterwards, so it was never late.
        """
        spec = self.specs.get(seen.model)
        published = [each for night in seen.nights if (each := night.first_published_at) is not None]
        if spec is None or not published:
            return {}
        since = min(published)
        promised = takewhile(lambda one: one.by > since, promised_by(spec, seen.sent_at))
        return {one.score_date: one.by for one in promised}
