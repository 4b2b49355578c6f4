"""The comparable nights of a night: past nights that should look like it.

A night should look like the last nights of its own weekday, and less closely like the nights just before it.
A night in a holiday period looks like neither. So such a night has its own comparable nights, and it is no
comparable night of an ordinary one. A night that a person accepted as odd is not ordinary either.
Windows count occasions, so that a weekly model has comparable nights as a daily one has.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from nightjar.core.model.holidays import IsHoliday, never
from nightjar.core.model.occasions import oldest_of
from nightjar.core.model.spec import ModelSpec

SAME_WEEKDAY = 8
"""At most this many nights of the same weekday are compared."""
NEIGHBOURS = 14
"""At most this many nights just before are compared, of any weekday."""
WITHIN_DAYS = 91
"""Nights of the same weekday are looked for so far back, a quarter: rates and schedules move with seasons."""
RECENT = 21
"""Nights of so many occasions before a night show what is usual now. Those from before a gap say little.

So a night that nobody accepts or corrects does not block the later ones for ever.
"""
MONTHS, FEWEST = 3, 4
"""So many months back a night of the same day is looked for, and how many nights lie between at least."""
AROUND = 1
"""So many days before and after a holiday are in its period. People travel on the days around it."""
WEEK = 7
HOLIDAY = 2.0
"""A night in a holiday period may lie so many times as far beyond its comparable nights as another night."""


@dataclass(frozen=True, slots=True)
class Comparables:
    """Past nights to compare a night with, each newest first.

    alike: of the same weekday. near: the nights just before, of any weekday; some are in `alike` too.
    quarter: all of the same weekday within WITHIN_DAYS, whatever they are like.
    holiday: True if the night itself is in a holiday period. It may then differ from all of them.
    """

    alike: tuple[date, ...]
    near: tuple[date, ...]
    quarter: tuple[date, ...] = ()
    holiday: bool = False

    @property
    def every(self) -> tuple[date, ...]:
        """All of them, newest first."""
        return tuple(sorted({*self.alike, *self.near}, reverse=True))


def comparables(
    score_date: date,
    published: Iterable[date],
    *,
    is_holiday: IsHoliday = never,
    odd: Collection[date] = (),
) -> Comparables:
    """Return the nights among the published ones that a night should look like.

    published: score dates in any order; those on or after `score_date` are left out. odd: dates that a person
    accepted although something stood against them.
    """
    earlier = sorted({day for day in published if day < score_date}, reverse=True)
    quarter = tuple(day for day in earlier if is_alike(score_date, day))
    near, alike = (
        tuple(islice(_ordinary(days, is_holiday, odd), most))
        for days, most in ((earlier, NEIGHBOURS), (quarter, SAME_WEEKDAY))
    )
    return Comparables(alike, near, quarter, in_holiday_period(score_date, is_holiday))


def _ordinary(days: Iterable[date], is_holiday: IsHoliday, odd: Collection[date]) -> Iterator[date]:
    """Whoever takes a few of many days asks of no more of them whether they are holidays."""
    return (day for day in days if day not in odd and not in_holiday_period(day, is_holiday))


def lacking(score_date: date, last: Collection[date], alike: Sequence[date]) -> date | None:
    """The newest night of the weekday, if none of the last nights is of it; None if one is, or none is known.

    last: of a week or more. alike: as in `Comparables`. Held nights may take a weekday out of the last ones.
    Then each Saturday after a held weekend would be held to Mondays to Fridays.
    """
    return None if any(is_alike(score_date, day) for day in last) else next(iter(alike), None)


def since_pause(spec: ModelSpec, published: Iterable[date], score_date: date, most: int) -> list[date]:
    """The last published nights, at most so many, since RECENT occasions in turn were not published.

    Newest first. Nights from before such a pause do not say what is usual now.
    """
    stretch, newer = list[date](), score_date
    for night in sorted(published, reverse=True)[:most]:
        if (newer - night).days > RECENT and night < oldest_of(spec, newer, RECENT):
            break
        stretch.append(night)
        newer = night
    return stretch


def months_before(score_date: date, nights: Iterable[date]) -> tuple[date, ...]:
    """The nights of the same day of the last MONTHS months; of the first night of a month, their first ones.

    nights: all before, in any order. The last FEWEST of them are left out: of a model that scores once or
    twice a month, a night some months ago is one of the nights just before.
    """
    known = sorted({night for night in nights if night < score_date})
    first = {(night.year, night.month): night for night in [score_date, *reversed(known)]}
    begins = first[score_date.year, score_date.month] == score_date
    return tuple(
        night
        for night in known[:-FEWEST]
        if 0 < _months(score_date) - _months(night) <= MONTHS
        and (night.day == score_date.day or (begins and first[night.year, night.month] == night))
    )


def _months(day: date) -> int:
    return 12 * day.year + day.month


def is_alike(score_date: date, earlier: date) -> bool:
    """True for a date of the same weekday that is at most WITHIN_DAYS older."""
    days = (score_date - earlier).days
    return days % WEEK == 0 and days <= WITHIN_DAYS


def in_holiday_period(day: date, is_holiday: IsHoliday) -> bool:
    """True for a holiday and for the days around it."""
    return any(is_holiday(day + timedelta(days=offset)) for offset in range(-AROUND, AROUND + 1))
