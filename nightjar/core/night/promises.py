"""When each night has to be published: by the model's promise, in its zone and its calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
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
        started_at = instant(start, zone)
        ends = (instant(local, zone) for local in deadlines(spec, start))
        yield Promised(score_date, started_at, next(by for by in ends if by > started_at))


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) of a local time (naive)."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def deadlines(spec: ModelSpec, start: datetime) -> Iterator[datetime]:
    """Yield local times (naive), oldest first. The first that is after `start` is the night's deadline.

    After is a matter of instants: where clocks skip a day, a later local time may be an earlier instant.
    Without a promise it is the next start: a night that is still open then has missed its day.
    """
    if spec.promise is None:
        return starts_after(spec.cron, start)
    first = datetime.combine(start.date(), spec.promise.at)
    return (first + timedelta(days=days) for days in count())
