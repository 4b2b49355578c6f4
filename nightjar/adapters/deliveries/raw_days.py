"""Raw days on a file system: each delivery a Parquet file named by when it was recorded and what it holds."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from errno import ETIMEDOUT
from functools import cache, lru_cache, partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from nightjar.adapters.deliveries import columns_of_now
from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.delivered import MOST_BYTES, delivered
from nightjar.adapters.deliveries.landed_names import (
    DELIVERY,
    FOLDER,
    PREFIX,
    ByFolder,
    LandedNames,
    names_in,
)
from nightjar.adapters.deliveries.promises import promise_of
from nightjar.adapters.deliveries.reading import parse
from nightjar.adapters.deliveries.refused_files import RefusedFiles, content_of
from nightjar.adapters.feast_polars.spans import BETWEEN, Span
from nightjar.adapters.files.atomic import replacing
from nightjar.adapters.files.damage import OF_RAW_DAYS, naming_damage, require_regular
from nightjar.core.errors.inputs import BadDelivery, DeliveriesLost
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.lost import LostDelivery
from nightjar.core.model.spec import RawDataset
from nightjar.core.monitoring.outcome_guard import Held, nothing_held
from nightjar.core.night.clock import dates_between
from nightjar.core.parquet import sink_parquet
from nightjar.core.ports.raw import DeliveredDay, Landed, Received
from nightjar.core.values import INSTANT, utc

MARGINS_S = (0.2, 2, 20, 200)
"""How long after now the instant lies of a file that is recorded now.

The next margin is taken where writing the file took longer.
"""

IN_FILE_NAMES = "%Y%m%dT%H%M%SZ"
MOST_NAMES = 2**16
"""What the names of so many folders and files say is kept: a night reads those of its history ten times."""

FILE = "__file"
"""The column that says which file a row was read from."""


class Missed(Exception):
    """The instant that a file was to be recorded at has passed before it was written, or is taken.

    It never leaves this module.
    """


@dataclass(frozen=True, slots=True)
class Kept:
    """A delivery in the store. counts_from: a later instant than `recorded_at` if a person accepted it.

    Its file may be gone: then whoever reads it stops.
    """

    path: Path
    recorded_at: datetime
    counts_from: datetime
    content: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivered file about the days from `day` to `last`.

    content: a hash of its bytes. checked: its rows, which are read and checked once. Raises BadDelivery.
    """

    dataset: str
    file: Path
    day: date
    last: date
    content: str
    day_column: str | None
    checked: Callable[[], pl.LazyFrame]

    @property
    def about(self) -> pl.Expr:
        """The day of each row."""
        return (
            pl.lit(self.day, pl.Date)
            if self.day == self.last
            else pl.col(self.day_column or "").cast(pl.Date)
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """What has landed of a dataset, by name.

    names: the folders that are there. within: gives the deliveries in a folder, beside names of files that
    should be there. held: what `RawFiles.held` gives. Both ask once, when they are first needed.
    """

    names: Sequence[str]
    expected: ByFolder
    given_up: ByFolder
    within: Callable[[str, tuple[str, ...]], tuple[Kept, ...]]
    held: Callable[[], Held]

    def folders(self, *, given_up_too: bool) -> list[str]:
        return sorted({*self.names, *self.expected, *(self.given_up if given_up_too else ())})

    def deliveries(self, name: str, *, given_up_too: bool) -> tuple[Kept, ...]:
        """The deliveries in a folder, oldest first."""
        given_up = self.given_up.get(name, ()) if given_up_too else ()
        return self.within(name, (*self.expected.get(name, ()), *given_up))


@dataclass(frozen=True, slots=True)
class RawFiles:
    """A `RawStore` of files: `<root>/raw/<dataset>/date=YYYY-MM-DD/<recorded_at>-<hash of the file>.parquet`.

    A file about several days lies in `date=YYYY-MM-DD..YYYY-MM-DD`, so all its days appear at once.
    An instant is kept to the second and rounded up, so that nothing seems known earlier than it was. A file
    that is recorded now is there
    before the instant that it gets: whoever counts what was recorded up to some instant of the past has seen
    all of it. Bytes that repeat the delivery just before or just after them are no news, and the instant that
    was told first stands: what a past night could know does not change.
    What has landed is also noted by name. A file that is gone is missed where it is read, and its day has
    landed all the same: what was built of it stays. The same content is put back in its place.
    What landed before its dataset's columns were changed is read in the columns of now (`columns_of_now`).
    most_bytes: what a delivered file may hold. held: of a dataset, the deliveries that nobody reads, or that
    count from a later instant on. listings: by dataset, of a store that lists each one once.
    """

    root: Path
    most_bytes: int = MOST_BYTES
    held: Callable[[str], Held] = nothing_held
    listings: dict[str, Listing] | None = None

    def believing(self, deliveries: Collection[DeliveredDay]) -> "RawFiles":
        def held(dataset: str) -> Held:
            return {
                delivery: since
                for delivery, since in self.held(dataset).items()
                if (dataset, *delivery) not in deliveries
            }

        return replace(self, held=held, listings=None)

    def listed_once(self) -> "RawFiles":
        return replace(self, listings={})

    def receive(
        self, dataset: RawDataset, day: date, file: Path, recorded_at: datetime, last: date | None = None
    ) -> Received:
        try:
            with delivered(file, self.most_bytes) as content:
                try:
                    with self._arrived(dataset, day, last or day, file, content) as arrival:
                        return self._land(arrival, whole_second(utc(recorded_at)))
                except BadDelivery as error:
                    return self._refuse(dataset, day, last, error, content, recorded_at) or "refused before"
        except BadDelivery as error:
            return self._refuse(dataset, day, last, error, None, recorded_at) or "refused before"

    def _refuse(
        self,
        dataset: RawDataset,
        day: date,
        last: date | None,
        error: BadDelivery,
        content: Content | None,
        recorded_at: datetime,
    ) -> Refusal | None:
        refusal = Refusal(
            dataset=dataset.name,
            day=day,
            last=last,
            content=content_of(content, error.problem),
            file=error.file,
            column=error.column,
            problem=error.problem,
            remedy=error.remedy,
            recorded_at=utc(recorded_at),
            refused_at=datetime.now(UTC),
        )
        return self._refusals.keep(refusal, content, f".{dataset.files.format}")

    def refused(self, dataset: str) -> tuple[Refusal, ...]:
        return self._refusals.open(dataset)

    def settled(self, dataset: str) -> tuple[Refusal, ...]:
        return self._refusals.settled(dataset)

    def settle(
        self, dataset: str, day: date, recorded_by: datetime | None = None, last: date | None = None
    ) -> tuple[Refusal, ...]:
        return self._refusals.settle(dataset, day, recorded_by, last)

    @property
    def _refusals(self) -> RefusedFiles:
        return RefusedFiles(self.root)

    @property
    def _noted(self) -> LandedNames:
        return LandedNames(self.root)

    # Files of all datasets are taken alike.
    def require_file(self, dataset: RawDataset, file: Path) -> None:  # noqa: ARG002
        with delivered(file, self.most_bytes):
            pass

    def land(
        self,
        dataset: RawDataset,
        day: date,
        file: Path,
        recorded_at: datetime | None = None,
        last: date | None = None,
    ) -> Landed:
        with (
            delivered(file, self.most_bytes) as content,
            self._arrived(dataset, day, last or day, file, content) as arrival,
        ):
            if recorded_at is not None:
                return self._land(arrival, whole_second(utc(recorded_at)))
            for margin_s in MARGINS_S:
                instant = whole_second(datetime.now(UTC) + timedelta(seconds=margin_s))
                with suppress(Missed):
                    landed = self._land(arrival, instant, proposed=True)
                    time.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))
                    return landed
        raise TimeoutError(
            ETIMEDOUT, "writing takes too long to say when it ended", str(self._folder(dataset.name))
        )

    def recorded_as(
        self,
        dataset: RawDataset,
        day: date,
        file: Path,
        recorded_at: datetime | None = None,
        last: date | None = None,
    ) -> datetime | None:
        of = f"{PREFIX}{Span(day, last or day)}"
        expected, _ = self._noted.of(dataset.name)
        kept = deliveries_in(str(self._folder(dataset.name) / of), expected[of])
        before, after = around(kept, whole_second(utc(recorded_at or datetime.now(UTC))))
        with delivered(file, self.most_bytes) as content:
            same = (each for each in (*before, *after) if each.content == named(content))
            return next((each.recorded_at for each in same), None)

    @contextmanager
    def _arrived(
        self, dataset: RawDataset, day: date, last: date, file: Path, content: Content
    ) -> Iterator[Arrival]:
        with TemporaryDirectory() as folder:
            rows = partial(parse, content, dataset, (day, last), file, Path(folder))
            checked = cache(lambda: rows(promise_of(file, dataset.files.proof)))
            yield Arrival(dataset.name, file, day, last, named(content), dataset.day_column, checked)

    def _land(self, arrival: Arrival, instant: datetime, *, proposed: bool = False) -> Landed:
        """proposed: the instant may be another.

        Raise Missed, and keep nothing, where the instant is taken or the file would not be there before it.
        """
        of = f"{PREFIX}{Span(arrival.day, arrival.last)}"
        folder = self._folder(arrival.dataset) / of
        expected, given_up = self._noted.of(arrival.dataset)
        restored = put_back(arrival, deliveries_in(str(folder), {*expected[of], *given_up[of]}))
        kept = deliveries_in(str(folder), expected[of])
        before, after = around(kept, instant)
        near = {delivery.content for delivery in (*before, *after)}
        if arrival.content in near or (restored and proposed):
            self._note(arrival.dataset, {of: names_in(folder, DELIVERY)}, expected)
            return "restored" if restored else "unchanged"
        rows = stamped(arrival, instant)
        if before and before[0].recorded_at == instant:
            if proposed:
                raise Missed
            at = f"{instant:%Y-%m-%d %H:%M:%S} UTC"
            problem = f"another file for {arrival.dataset} {arrival.day} was recorded at {at} too"
            raise BadDelivery(arrival.file, problem, "Give the correction its own, later instant.")
        with replacing(folder / f"{instant:{IN_FILE_NAMES}}-{arrival.content}.parquet") as draft:
            sink_parquet(rows, draft)
            draft.flush()
            os.fsync(draft.fileno())  # what follows is a rename, which takes no time
            if proposed and datetime.now(UTC) >= instant:
                raise Missed
        self._note(arrival.dataset, {of: names_in(folder, DELIVERY)}, expected)
        if restored:
            return "restored and corrected"
        return "corrected" if kept else "landed"

    def lost(self, dataset: str) -> tuple[LostDelivery, ...]:
        expected, _ = self._noted.of(dataset)
        return self._lost(dataset, expected, self._there(dataset))

    def take_stock(self, dataset: str) -> tuple[LostDelivery, ...]:
        expected, _ = self._noted.of(dataset)
        there = self._there(dataset)
        self._note(dataset, there, expected)
        return self._lost(dataset, expected, there)

    def give_up(self, dataset: str, day: date) -> tuple[LostDelivery, ...]:
        going = tuple(each for each in self.lost(dataset) if each.day <= day <= each.last)
        for each in going:
            self._noted.give_up(dataset, Path(each.file).parent.name, Path(each.file).name)
        return going

    def _note(self, dataset: str, there: Mapping[str, Collection[str]], expected: ByFolder) -> None:
        found = ((of, name) for of, names in there.items() for name in names)
        self._noted.add(dataset, ((of, name) for of, name in found if name not in expected[of]))

    def _there(self, dataset: str) -> ByFolder:
        folder = self._folder(dataset)
        found = {name: names_in(f"{folder}/{name}", DELIVERY) for name in names_in(folder, FOLDER)}
        return defaultdict(list, found)

    def _lost(self, dataset: str, expected: ByFolder, there: ByFolder) -> tuple[LostDelivery, ...]:
        """expected: read before `there`. A file lands before its name, so none seems lost that lands now."""
        gone = sorted((of, name) for of, names in expected.items() for name in {*names} - {*there[of]})
        return tuple(lost_of(kept_at(f"{self._folder(dataset)}/{of}", name)) for of, name in gone)

    def days(self, dataset: str) -> dict[date, str]:
        return {
            day: sha256("".join(delivery.path.name for delivery in kept).encode()).hexdigest()[:16]
            for day, kept in self._landed(dataset, given_up_too=True).items()
        }

    def recorded(
        self, dataset: str, days: Collection[date] | None = None
    ) -> dict[date, tuple[datetime, ...]]:
        if days is None:
            landed = self._landed(dataset)
        else:
            landed = self._landed(dataset, min(days), max(days)) if days else {}
        wanted = ((day, kept) for day, kept in landed.items() if days is None or day in days)
        return {day: tuple(delivery.counts_from for delivery in kept) for day, kept in wanted}

    def place(self, dataset: RawDataset, day: date, recorded_at: datetime) -> str:
        kept = self._landed(dataset.name, day, day).get(day, ())
        paths = (str(delivery.path) for delivery in kept if delivery.counts_from == recorded_at)
        return next(paths, "a file that is no longer there")

    def read(
        self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None
    ) -> pl.DataFrame:
        newest = self._newest(dataset.name, first, last, known_at)
        if not newest:
            return nothing(dataset)
        files, path = files_of(newest), name_of_files(newest)
        with naming_damage(files, OF_RAW_DAYS):
            rows = columns_of_now.read(files, dataset, path)
        if path is None:  # the files are in the order of their days
            return counted_from(rows, newest).collect()
        return counted_from(of_days(rows, newest), newest).sort("date", maintain_order=True).collect()

    def scan(
        self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None
    ) -> pl.LazyFrame:
        newest = self._newest(dataset.name, first, last, known_at)
        if not newest:
            return nothing(dataset).lazy()
        files = files_of(newest)
        with naming_damage(files, OF_RAW_DAYS):
            path = name_of_files(newest)
            rows = columns_of_now.scan(files, dataset, path)
        return counted_from(rows if path is None else of_days(rows, newest), newest)

    def _newest(self, dataset: str, first: date, last: date, known_at: datetime | None) -> dict[date, Kept]:
        """Of each landed day the latest delivery that was recorded by `known_at`."""
        limit = None if known_at is None else utc(known_at)
        known = {
            day: [delivery for delivery in kept if limit is None or delivery.counts_from <= limit]
            for day, kept in self._landed(dataset, first, last).items()
        }
        return {day: kept[-1] for day, kept in known.items() if kept}

    def _landed(
        self, dataset: str, first: date = date.min, last: date = date.max, *, given_up_too: bool = False
    ) -> dict[date, tuple[Kept, ...]]:
        """The days of first..last that have landed, each with its deliveries, oldest first.

        given_up_too: also deliveries that a person has given up. Nobody reads them, and what was built of
        them stays.
        """
        landed: dict[date, list[Kept]] = {}
        listing = self._listing(dataset)
        for name in listing.folders(given_up_too=given_up_too):
            span = span_of(name)
            if span.meets(first, last):
                kept = listing.deliveries(name, given_up_too=given_up_too)
                for day in dates_between(max(span.first, first), min(span.last, last)):
                    landed.setdefault(day, []).extend(kept)
        held = listing.held() if landed else {}
        counting = {day: counting_of(day, kept, held) for day, kept in sorted(landed.items())}
        return {
            day: tuple(sorted(kept, key=lambda delivery: (delivery.counts_from, delivery.path.name)))
            for day, kept in counting.items()
            if kept
        }

    def _listing(self, dataset: str) -> Listing:
        kept = {} if self.listings is None else self.listings
        if dataset not in kept:
            expected, given_up = self._noted.of(dataset)
            folder = self._folder(dataset)
            kept[dataset] = Listing(
                names=names_in(folder, FOLDER),
                expected=expected,
                given_up=given_up,
                within=cache(lambda name, names: deliveries_in(f"{folder}/{name}", names)),
                held=cache(partial(self.held, dataset)),
            )
        return kept[dataset]

    def _folder(self, dataset: str) -> Path:
        return self.root / "raw" / dataset


def deliveries_in(folder: str, expected: Collection[str] = ()) -> tuple[Kept, ...]:
    """What was delivered into a folder, oldest first. expected: names of files that should be there."""
    return tuple(kept_at(folder, name) for name in sorted({*names_in(folder, DELIVERY), *expected}))


def named(content: Content) -> str:
    """What the name of a kept file says of the bytes that were delivered."""
    return content.sha256[:16]


def around(kept: Sequence[Kept], instant: datetime) -> tuple[Sequence[Kept], Sequence[Kept]]:
    """The last delivery up to an instant, and the first one after it. kept: oldest first."""
    earlier = [delivery for delivery in kept if delivery.recorded_at <= instant]
    later = [delivery for delivery in kept if delivery.recorded_at > instant]
    return earlier[-1:], later[:1]


def put_back(arrival: Arrival, kept: Iterable[Kept]) -> bool:
    """Write the file of each delivery with this content that is gone. False if there is none."""
    gone = [each for each in kept if each.content == arrival.content and not each.path.exists()]
    for each in gone:
        with replacing(each.path) as draft:
            sink_parquet(stamped(arrival, each.recorded_at), draft)
    return bool(gone)


def stamped(arrival: Arrival, instant: datetime) -> pl.LazyFrame:
    """The rows of a file as they are stored. Raises BadDelivery."""
    return arrival.checked().with_columns(date=arrival.about, recorded_at=pl.lit(instant, INSTANT))


def lost_of(kept: Kept) -> LostDelivery:
    span = span_of(kept.path.parent.name)
    return LostDelivery(
        dataset=kept.path.parent.parent.name,
        day=span.first,
        last=span.last,
        file=str(kept.path),
        recorded_at=kept.recorded_at,
    )


def counting_of(day: date, kept: Iterable[Kept], held: Held) -> list[Kept]:
    """The deliveries of a day that count, each with the instant from which it does."""
    instants = [(each, held.get((day, each.recorded_at), each.recorded_at)) for each in kept]
    return [
        each if instant == each.counts_from else replace(each, counts_from=instant)
        for each, instant in instants
        if instant is not None
    ]


def nothing(dataset: RawDataset) -> pl.DataFrame:
    return pl.DataFrame(schema=columns_of_now.columns_of(dataset))


def files_of(newest: Mapping[date, Kept]) -> list[Path]:
    """The files of some deliveries, each once. Raises DeliveriesLost, and DamagedFile for one not regular."""
    read = {delivery.path: delivery for delivery in newest.values()}
    try:
        require_regular(read, OF_RAW_DAYS)
    except FileNotFoundError as error:
        lost = [lost_of(delivery) for path, delivery in read.items() if not path.exists()]
        raise DeliveriesLost(lost) from error
    return [*read]


def counted_from(rows: pl.LazyFrame, newest: Mapping[date, Kept]) -> pl.LazyFrame:
    """Rows with the instant from which their delivery counts, where that is a later one."""
    for day, kept in newest.items():
        if kept.counts_from != kept.recorded_at:
            own = (pl.col("date") == day) & (pl.col("recorded_at") == kept.recorded_at)
            later = pl.when(own).then(pl.lit(kept.counts_from, INSTANT)).otherwise("recorded_at")
            rows = rows.with_columns(recorded_at=later)
    return rows


def name_of_files(newest: Mapping[date, Kept]) -> str | None:
    """The column that has each row name its file, for `of_days`. None if each file is about one day.

    Then all its rows are read, and the name of a file in each of many rows would take much memory.
    """
    return FILE if any(BETWEEN in delivery.path.parent.name for delivery in newest.values()) else None


def of_days(rows: pl.LazyFrame, newest: Mapping[date, Kept]) -> pl.LazyFrame:
    """The rows of each file that are about the days for which the file is the newest delivery.

    They keep the order of their file, whatever other days are read.
    """
    files = [(str(kept.path), day) for day, kept in newest.items()]
    wanted = pl.DataFrame(files, schema={FILE: pl.String(), "date": pl.Date()}, orient="row")
    return rows.join(wanted.lazy(), on=[FILE, "date"], how="semi", maintain_order="left").drop(FILE)


@lru_cache(MOST_NAMES)
def span_of(folder: str) -> Span:
    return Span.of(folder.removeprefix(PREFIX))


@lru_cache(MOST_NAMES)
def kept_at(folder: str, name: str) -> Kept:
    written, _, content = name.removesuffix(".parquet").partition("-")
    instant = datetime.strptime(written, IN_FILE_NAMES).replace(tzinfo=UTC)
    return Kept(Path(folder, name), instant, instant, content)


def whole_second(moment: datetime) -> datetime:
    """The moment, or the next whole second after it."""
    return moment if not moment.microsecond else moment.replace(microsecond=0) + timedelta(seconds=1)
