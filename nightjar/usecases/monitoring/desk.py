"""The pages of the desk: gathers what an analyst may see, and says in which state each night is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile

from nightjar.core.desk.calendar import Day, days
from nightjar.core.desk.entities import Desk
from nightjar.core.model.occasions import occasions_between
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.promises import promised_by
from nightjar.core.ports.desk import DeskReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDesk:
    """specs: the models whose folders are there, by name."""

    reader: DeskReader
    specs: Mapping[str, ModelSpec]

    def __call__(self, model: str) -> tuple[Desk, tuple[Day, ...]]:
        """Return what is known of a year of nights, and their states, oldest first."""
        desk = self.reader.desk(model)
        return desk, tuple(days(desk.nights, self._due(desk), self._deadlines(desk)))

    def _due(self, desk: Desk) -> Iterator[date]:
        """The nights of the schedule between the first and the last that were begun."""
        spec = self.specs.get(desk.model)
        if spec is not None and desk.nights:
            first, last = desk.nights[0].score_date, desk.nights[-1].score_date
            yield from occasions_between(spec, first, last)

    def _deadlines(self, desk: Desk) -> Mapping[date, datetime]:
        """Until when each night was promised, from the model's first publication on.

        A night of before was scored afterwards, so it was never late.
        """
        spec = self.specs.get(desk.model)
        published = [night.published_at for night in desk.nights if night.published_at is not None]
        if spec is None or not published:
            return {}
        since = min(published)
        promised = takewhile(lambda one: one.by > since, promised_by(spec, desk.sent_at))
        return {one.score_date: one.by for one in promised}
