"""Land delivered files after checking each one.

A bad file is set aside and does not stop the others.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import structlog

from nightjar.core.errors.inputs import NothingLost, NothingSetAside
from nightjar.core.errors.settings import BadSettings
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.lost import LostDelivery
from nightjar.core.model.spec import Delivery, ModelSpec, RawDataset
from nightjar.core.night.clock import as_of, dates_between, evening, local_date
from nightjar.core.night.reach import days_read
from nightjar.core.night.windows import files_of, readable, span
from nightjar.core.ports.progress import Progress, silent
from nightjar.core.ports.raw import Landed, RawStore
from nightjar.core.values import utc

RECHECK_DAYS = 3
"""Number of landed days to ask for again, because their files may have been corrected."""

Days = tuple[str, date, date | None]
"""A dataset, and the days that a file of it is about: one, or the first and the last of several."""

Tell = Callable[[Refusal], None]
"""Called when a delivery is set aside."""

log = structlog.get_logger(__name__)


def log_refusal(refusal: Refusal) -> None:
    log.error(
        "delivery_set_aside",
        dataset=refusal.dataset,
        day=refusal.about,
        why=str(refusal.error),
        copy=refusal.kept,
    )


@dataclass(frozen=True, slots=True)
class Landing:
    """Counts of delivered files: new, already known, corrections, lost ones that are there again, and bad
    (set aside now or before). A lost one that is there again and a correction too counts as both.
    """

    landed: int = 0
    unchanged: int = 0
    corrected: int = 0
    restored: int = 0
    refused: int = 0


def land_until(
    spec: ModelSpec,
    *,
    raw: RawStore,
    inbox: Path,
    until: datetime,
    first: date | None = None,
    tell: Tell = log_refusal,
    progress: Progress = silent,
) -> Landing:
    """Land every file recorded by `until`, in the order in which they were recorded.

    Idempotent. After a crash it continues where it stopped.
    A file that breaks its dataset is set aside and does not stop the others. When the last delivery of a day
    lands, everything set aside for that day is settled.
    first: the first day to ask for. The default is a few days before the first day that some dataset still
    lacks at its end. If nothing has landed yet, the default is the first day of the model's data. Days with
    a delivery set aside or lost are also asked for.
    tell: called once for each delivery that is set aside now, never again for the same content.
    """
    if not spec.delivered:
        return Landing()
    gone = take_stock(spec, raw)
    if gone:
        told = "what was built of them stays, and the feed is asked for them again"
        log.warning("deliveries_lost", files=[each.file for each in gone], told=told)
    spans = asked_for(
        first or first_lacking(spec, raw, until),
        last_deliverable(spec, until),
        {refusal.day for refusal in set_aside(spec, raw)} | {each.day for each in gone},
    )
    counts: Counter[str] = Counter()
    good: dict[Days, datetime] = {}
    with progress(
        "files checked, new ones landed",
        sum(len(dates_between(*span)) for span in spans) * len(spec.delivered),
    ) as advance:
        for delivery in delivered(spec, inbox, spans, until):
            received = raw.receive(
                spec.dataset(delivery.dataset),
                delivery.day,
                delivery.path,
                delivery.recorded_at,
                delivery.last,
            )
            if isinstance(received, Refusal):
                tell(received)
            if received in {"restored", "restored and corrected"}:
                log.warning("delivery_restored", dataset=delivery.dataset, day=str(delivery.day))
            if isinstance(received, Refusal) or received == "refused before":
                counts["refused"] += 1
                good.pop((delivery.dataset, delivery.day, delivery.last), None)
            else:
                counts.update(received.split(" and "))
                good[delivery.dataset, delivery.day, delivery.last] = delivery.recorded_at
            advance()
    for (dataset, day, last), recorded_at in good.items():
        raw.settle(dataset, day, recorded_at, last)
    return Landing(**counts)


def undelivered(
    spec: ModelSpec, dates: Collection[date], *, raw: RawStore, inbox: Path, known_at: datetime | None = None
) -> tuple[date, ...]:
    """The score dates without a population: no file about them has landed or is delivered in time.

    "In time" means by the date's as-of. For landed files it means by `known_at`. Nothing is landed here, so
    this is fast.
    """
    recorded = {window.dataset: raw.recorded(window.dataset) for window in spec.population_reads}
    known = partial(readable, spec, spec.population_reads)
    unknown = [day for day in set(dates) if not known(day, recorded, known_at or as_of(spec, day))]
    if unknown:
        spans = [span(spec, window, unknown) for window in spec.population_reads]
        delivered: dict[str, dict[date, tuple[datetime]]] = {name: {} for name in recorded}
        for found in spec.deliveries(inbox, min(first for first, _ in spans), max(last for _, last in spans)):
            if found.dataset in delivered:
                for day in dates_between(found.day, found.through):
                    delivered[found.dataset].setdefault(day, (found.recorded_at,))
        unknown = [day for day in unknown if not known(day, delivered, as_of(spec, day))]
    return tuple(sorted(unknown))


def land_file(
    spec: ModelSpec,
    dataset: str,
    day: date,
    file: Path,
    recorded_at: datetime | None,
    *,
    raw: RawStore,
    last: date | None = None,
) -> Landed:
    """Check one file and keep it, as recorded at an instant or now.

    This settles the deliveries of its day that were set aside until then.
    Raises BadSettings for an unknown dataset, BadDelivery for a file that breaks it. The file is not set
    aside, because the person who lands it by hand sees the error at once.
    """
    landed = raw.land(declared(spec, dataset), day, file, recorded_at, last)
    raw.settle(dataset, day, recorded_at or datetime.now(UTC), last)
    return landed


def clear(spec: ModelSpec, dataset: str, day: date, *, raw: RawStore) -> tuple[Refusal, ...]:
    """Settle all deliveries about a day that are set aside. They count as never delivered.

    A file about several days is settled as a whole, whichever of them is named.
    Raises BadSettings if nothing is set aside.
    """
    about = (each for each in raw.refused(declared(spec, dataset).name) if each.day <= day <= each.through)
    firsts = dict.fromkeys(refusal.day for refusal in about)
    if not firsts:
        raise NothingSetAside(spec.name, dataset, day)
    return tuple(settled for first in firsts for settled in raw.settle(dataset, first))


def give_up(spec: ModelSpec, dataset: str, day: date, *, raw: RawStore) -> tuple[LostDelivery, ...]:
    """Give up the lost files about a day. Raises BadSettings if none is lost."""
    if not (given_up := raw.give_up(declared(spec, dataset).name, day)):
        raise NothingLost(spec.name, dataset, day)
    return given_up


def declared(spec: ModelSpec, dataset: str) -> RawDataset:
    known = [each.name for each in spec.datasets]
    if dataset not in known:
        raise BadSettings(f"{spec.name} has no dataset {dataset!r}", f"It has {', '.join(known)}.")
    return spec.dataset(dataset)


def set_aside(spec: ModelSpec, raw: RawStore) -> tuple[Refusal, ...]:
    """All deliveries of a model's datasets that are set aside and not settled."""
    return tuple(refusal for dataset in spec.delivered for refusal in raw.refused(dataset.name))


def lost(spec: ModelSpec, raw: RawStore) -> tuple[LostDelivery, ...]:
    """All deliveries of a model's datasets that have landed and are no longer there."""
    return tuple(each for dataset in spec.delivered for each in raw.lost(dataset.name))


def take_stock(spec: ModelSpec, raw: RawStore) -> tuple[LostDelivery, ...]:
    """As `lost`. What is there is noted as landed, so that it is missed when it is not."""
    return tuple(each for dataset in spec.delivered for each in raw.take_stock(dataset.name))


def asked_for(begin: date, last: date, again: Iterable[date]) -> list[tuple[date, date]]:
    """Spans of days, both ends included: each day of `again` before `begin`, then begin to last."""
    earlier = [(day, day) for day in sorted(again) if day < begin and day <= last]
    return [*earlier, (begin, last)] if begin <= last else earlier


def delivered(
    spec: ModelSpec, inbox: Path, spans: Iterable[tuple[date, date]], until: datetime
) -> Iterator[Delivery]:
    """The files that the feed delivers for each span, up to the first one recorded after `until`.

    If nothing of some dataset came until then, it may be that the feed is not in the order of recording. Then
    as many more are read as there are days and datasets, because the feed raises ContractBroken for the first
    that is out of order. Otherwise none is: a feed may fetch each file, or have no end.
    """
    for first, last in spans:
        found = spec.deliveries(inbox, first, last)
        lacking = {dataset.name for dataset in spec.delivered}
        for delivery in found:
            if delivery.recorded_at > until:
                break
            lacking.discard(delivery.dataset)
            yield delivery
        if lacking:
            deque(islice(found, len(dates_between(first, last)) * len(spec.delivered)), maxlen=0)


def first_lacking(spec: ModelSpec, raw: RawStore, until: datetime) -> date:
    """The day to continue from: a few days before the first day that a dataset lacks at its end.

    It is never earlier than the first landed day.
    """
    landed = [raw.days(dataset.name) for dataset in spec.delivered]
    if not any(landed):
        return world_begins(spec, until)
    begin = min(min(days) for days in landed if days)
    ends = min(max(days, default=begin) for days in landed)
    return max(begin, ends - timedelta(days=RECHECK_DAYS - 1))


def world_begins(spec: ModelSpec, until: datetime) -> date:
    """The first day of a recorded stretch. For a live feed, `data_from`, or else a day early enough for
    all that today's night and its outcomes read.
    """
    if spec.replay is not None:
        return spec.replay.first
    if spec.data_from is not None:
        return spec.data_from
    today = min(_dates(spec, until))  # tonight's night is of this date or, by its horizon, a later one
    read = days_read(spec, today, evening(spec, today)).values()
    outcomes = (files_of(spec, window, today) for window in spec.outcome_reads)
    return min(first for first, _ in (*read, *outcomes))


def last_deliverable(spec: ModelSpec, until: datetime) -> date:
    """The last day that a file known by `until` can be about.

    It is the last day that the population of that evening's score date reads, in any time zone of the model.
    """
    ahead = spec.horizon_days + max(window.days_after for window in spec.population_reads)
    return max(_dates(spec, until)) + timedelta(days=ahead)


def _dates(spec: ModelSpec, moment: datetime) -> tuple[date, date]:
    """The date of an instant in the model's zone and in UTC. Files are about days of either zone."""
    return local_date(spec, moment), utc(moment).date()
