"""The nights of a model as a calendar: what became of each.

It also shows where there is none though the schedule wanted one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile

from nightjar.core.model.schedule import starts_before
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import local_time, score_date_on
from nightjar.core.night.plan import Stage, Standing

MISSING = "missing"
HELD_BACK = "held back"


@dataclass(frozen=True, slots=True)
class Entry:
    """A night that was attempted, or a stretch of nights that are missing.

    A stretch is `nights` score dates from `first` to `last`, of which there is no run.
    attempts: how many failed, and hold no run.
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
        """How far it has come.

        A night that failed and is not tried again by itself is held back: it waits for a person.
        """
        if self.standing is None:
            return MISSING
        waits = self.standing.stage is Stage.FAILED and not self.standing.missed
        return HELD_BACK if waits else self.standing.stage.value


def calendar(
    standings: Mapping[date, Standing], due: Iterable[date], tried: Mapping[date, int]
) -> tuple[Entry, ...]:
    """Every night that was attempted or is missing, newest first.

    standings: of every night that ever had a run. due: the dates that the schedule wanted, newest first. One
    before the first night ever
    published is not missing: the model was not in service. tried: attempts at nights that failed before they
    had a run.
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


def due_by(spec: ModelSpec, now: datetime) -> Iterator[date]:
    """The score dates of the schedule's starts up to an instant (aware), newest first.

    A model that replays a year has none before its first of January: there the dates of the schedule's
    calendar leap back to December.
    """
    newer: date | None = None
    for start in starts_before(spec.cron, local_time(spec, now)):
        day = score_date_on(spec, start.date())
        if newer is not None and day > newer:
            return
        if day != newer:
            yield day
        newer = day
