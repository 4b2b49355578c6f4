"""Gaps: days that a feature table looks back to, and that no delivery counts for.

Such a day is held, was given up, or never came. When it leaves the days that a table looks back to, or is
delivered at last, all counts of the table grow by one day at once, and nothing is wrong.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def gaps(recorded: Mapping[date, Sequence[datetime]], known_at: datetime, lookback_days: int) -> set[date]:
    """The gaps at an instant among the newest day that counts and the days that it looks back to.

    recorded: each day with the instants from which its deliveries count. A day is no gap if those a week
    before and after it do not count either: some feeds have no Saturdays. Nor is one before the first day.
    """
    counting = {day for day, instants in recorded.items() if any(since <= known_at for since in instants)}
    if not counting:
        return set()
    first, last = min(counting), max(counting)
    looked_at = (last - n * DAY for n in range(lookback_days + 1))
    return {
        day
        for day in looked_at
        if first < day and day not in counting and counting & {day - WEEK, day + WEEK}
    }


def changes(
    sources: Mapping[str, Mapping[date, Sequence[datetime]]],
    lookback_days: int,
    then: datetime,
    now: datetime,
    last: date,
) -> Iterator[str]:
    """Say which gaps features have tonight and had not last night, and the other way round.

    sources: dataset -> as for `gaps`. then, now: the instants whose data both nights read. last: the date of
    last night.
    """
    for source, recorded in sources.items():
        former, present = (gaps(recorded, known_at, lookback_days) for known_at in (then, now))
        if new := present - former:
            yield f"tonight's features lack {_named(source, new)}, and those of {last} did not"
        if gone := former - present:
            yield f"the features of {last} lacked {_named(source, gone)}, and tonight's do not"


def _named(source: str, days: Collection[date]) -> str:
    return f"{source} {', '.join(map(str, sorted(days)))}"
