"""Bring in what the outside world has delivered, each file checked before it counts."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from nightjar.core.entities import utc
from nightjar.core.errors import BadSettings
from nightjar.core.night import as_of, local_date
from nightjar.core.ports import Landed, Progress, RawStore, silent
from nightjar.core.spec import ModelSpec

RECHECK_DAYS = 3
"""How many landed days are asked for again, in case their files were corrected since."""


@dataclass(frozen=True, slots=True)
class Landing:
    """How many delivered files were new, known already, or corrections."""

    landed: int = 0
    unchanged: int = 0
    corrected: int = 0


def land_until(spec: ModelSpec, *, raw: RawStore, inbox: Path, until: datetime, first: date | None = None, progress: Progress = silent) -> Landing:
    """Land every file recorded by `until`, in the order in which they were recorded. Idempotent; after a crash it goes on where it was.

    first: the first day to ask for; if not given, a few days before the first that some dataset still lacks at its end, or, where nothing
    has landed yet, where the model's world begins. Raises BadDelivery for a file that breaks its dataset; files before it have landed.
    """
    begin, last = first or first_lacking(spec, raw, until), last_deliverable(spec, until)
    if begin > last:
        return Landing()
    counts: Counter[Landed] = Counter()
    with progress("files checked, new ones landed", sum((last - begin).days + 1 for _ in spec.datasets)) as advance:
        for delivery in spec.deliver(inbox, begin, last):
            if delivery.recorded_at > until:
                break
            counts[raw.land(spec.dataset(delivery.dataset), delivery.day, delivery.path, delivery.recorded_at)] += 1
            advance()
    return Landing(**counts)


def undelivered(spec: ModelSpec, dates: Collection[date], *, raw: RawStore, inbox: Path, known_at: datetime | None = None) -> tuple[date, ...]:
    """The score dates that have no population: no file about them has landed or is delivered in time.

    In time is by a date's as-of, or, of what has landed, by `known_at`. Nothing is landed, so the answer comes at once.
    """
    recorded = raw.recorded(spec.population_dataset)
    unknown = {day for day in dates if day not in recorded or recorded[day][0] > (known_at or as_of(spec, day))}
    if unknown:
        deliveries = spec.deliver(inbox, min(unknown), max(unknown))
        about = (found for found in deliveries if found.dataset == spec.population_dataset and found.day in unknown)
        unknown -= {found.day for found in about if found.recorded_at <= as_of(spec, found.day)}
    return tuple(sorted(unknown))


def land_file(spec: ModelSpec, dataset: str, day: date, file: Path, recorded_at: datetime | None, *, raw: RawStore) -> Landed:
    """Check one file and keep it, as recorded at an instant or now. Raises BadSettings for an unknown dataset, BadDelivery for a file that breaks it."""
    known = [declared.name for declared in spec.datasets]
    if dataset not in known:
        raise BadSettings(f"{spec.name} has no dataset {dataset!r}", f"It has {', '.join(known)}.")
    return raw.land(spec.dataset(dataset), day, file, recorded_at)


def first_lacking(spec: ModelSpec, raw: RawStore, until: datetime) -> date:
    """Where to go on: a few days before the first that a dataset lacks at its end, but no earlier than anything that has landed."""
    landed = [raw.days(dataset.name) for dataset in spec.datasets]
    if not any(landed):
        return world_begins(spec, until)
    begin = min(min(days) for days in landed if days)
    ends = min(max(days, default=begin) for days in landed)
    return max(begin, ends - timedelta(days=RECHECK_DAYS - 1))


def world_begins(spec: ModelSpec, until: datetime) -> date:
    """1 January of a recorded year; of a living feed, far enough back for the features of today."""
    if spec.replay_year is not None:
        return date(spec.replay_year, 1, 1)
    lookback = max((table.lookback_days for table in spec.feature_tables), default=0)
    return min(_dates(spec, until)) - timedelta(days=lookback)


def last_deliverable(spec: ModelSpec, until: datetime) -> date:
    """The last day a file known by `until` can be about: the score date of that evening, wherever the model's midnight is."""
    return max(_dates(spec, until)) + timedelta(days=spec.horizon_days)


def _dates(spec: ModelSpec, moment: datetime) -> tuple[date, date]:
    """The date of an instant in the model's zone and in UTC: files are about days of one or the other."""
    return local_date(spec, moment), utc(moment).date()
