"""Which published nights are to be measured against their outcomes, and which are measured already."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from nightjar.core.entities import NightPerformance, Publication


def outdated(
    nights: Iterable[Publication],
    kept: Mapping[int, NightPerformance],
    recorded: Mapping[date, Sequence[datetime]],
    known_at: datetime,
    maturity_days: int,
) -> Iterator[Publication]:
    """The nights whose measurement lacks something that is known at `known_at`.

    kept: the newest measurement by run. recorded: when each day's outcomes were delivered; a night's are in the deliveries of its own day
    and of the `maturity_days` after it. A night with rows whose outcome is still unknown always counts: its delivery may have landed late.
    """
    for night in nights:
        last = kept.get(night.run_id)
        days = (night.score_date + timedelta(days=n) for n in range(maturity_days + 1))
        if last is None or last.with_outcome < last.rows or any(last.measured_at < at <= known_at for day in days for at in recorded.get(day, ())):
            yield night
