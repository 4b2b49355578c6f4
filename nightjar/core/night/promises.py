"""When each night has to be published: by the model's promise, in its zone and its calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from nightjar.core.model.schedule import starts_after
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import local_time, starts_by


@dataclass(frozen=True, slots=True)
class Promised:
    """A scheduled night. started_at, by: UTC. by: it has to be published then."""

    score_date: date
    started_at: datetime
    by: datetime


def promised_by(spec: ModelSpec, now: datetime) -> Iterator[Promised]:
    """Yield the scheduled nights that have started by an instant (aware), newest first."""
    zone = ZoneInfo(spec.time_zone)
    for start, score_date in starts_by(spec, local_time(spec, now)):
        started_at, by = (
            local.replace(tzinfo=zone).astimezone(UTC) for local in (start, deadline(spec, start))
        )
        yield Promised(score_date, started_at, by)


def deadline(spec: ModelSpec, start: datetime) -> datetime:
    """Return the local time (naive) by which the night that starts at `start` has to be published.

    Without a promise it is the next start: a night that is still open then has missed its day.
    """
    if spec.promise is None:
        return next(starts_after(spec.cron, start))
    same_day = datetime.combine(start.date(), spec.promise.at)
    return same_day if same_day > start else same_day + timedelta(days=1)
