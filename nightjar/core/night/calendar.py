"""The calendar of a model shows the result of each night.

It also shows the scheduled nights that are missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

from nightjar.core.night.plan import Standing

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Entry:
    """An attempted night, or consecutive missing nights.

    Missing nights are `nights` score dates from `first` to `last` that have no run.
    attempts: the number of failed attempts that have no run.
    """

    first: date
    last: date
    nights: int = 1
    standing: Standing | None = None
    attempts: int = 0

    @property
    def untouched(self) -> bool:
        return self.standing is None and not self.attempts

    @property
    def what(self) -> str:
        """Return its progress in words."""
        return MISSING if self.standing is None else self.standing.stage.value


def calendar(
    standings: Mapping[date, Standing], due: Iterable[date], tried: Mapping[date, int]
) -> tuple[Entry, ...]:
    """Return every night that was attempted or is missing, newest first.

    standings: of every night that ever had a run. due: the scheduled dates, newest first. A date before the
    first published night is not missing, because the model was not in service. tried: attempts that failed
    before the night had a run.
    """
    in_service = min((day for day, standing in standings.items() if standing.published), default=date.max)
    lacking = [day for day in takewhile(lambda day: day > in_service, due) if day not in standings]
    entries: list[Entry] = []
    for day in sorted({*standings, *lacking, *tried}, reverse=True):
        entry = Entry(day, day, standing=standings.get(day), attempts=tried.get(day, 0))
        if entries and entry.untouched and entries[-1].untouched:
            entries[-1] = Entry(day, entries[-1].last, entries[-1].nights + 1)
        else:
            entries.append(entry)
    return tuple(entries)
