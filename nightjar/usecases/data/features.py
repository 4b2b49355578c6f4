"""Build the feature tables from landed data.

Only days with new or corrected inputs are built. If the code of a table changed, all its days are built
anew, in a new generation of the table. It is read when it is whole.
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import polars as pl
import structlog

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.model.generations import FIRST, UNKNOWN, Generation, next_generation
from nightjar.core.model.own_code import rows_by, streamed_rows_by
from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.core.plurals import counted
from nightjar.core.ports.features import FeatureFiles, RecipeOf
from nightjar.core.ports.progress import Progress, silent
from nightjar.core.ports.raw import RawStore
from nightjar.core.values import INSTANT, utc

BATCH_DAYS = 31
"""Days computed in one call: a month and its lookback fit into little memory."""
MOMENT = timedelta(microseconds=1)
NEVER = datetime.min.replace(tzinfo=UTC)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FeatureBuild:
    """How many days of tables were built, and how many rows that added."""

    days: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Landed:
    """The landed days of a dataset.

    Each day has the fingerprint of its deliveries and the instants at which they were recorded, oldest first.
    """

    prints: Mapping[date, str]
    recorded: Mapping[date, Sequence[datetime]]

    @property
    def newest(self) -> datetime:
        """When the newest of its deliveries was recorded."""
        return max((instants[-1] for instants in self.recorded.values()), default=NEVER)


@dataclass(frozen=True, slots=True)
class TablePlan:
    """The days of a table to build, with the fingerprints of their inputs, and the generation to build.

    now: the generation that is read today. None: the table was never built. lost: its files that are gone.
    """

    table: FeatureTable
    now: Generation | None
    target: Generation
    days: Mapping[date, str]
    lost: tuple[str, ...] = ()

    @property
    def rebuilds(self) -> bool:
        """True if all days of a table that was built are built anew, in another generation."""
        return self.now is not None and self.now != self.target

    @property
    def code_changed(self) -> bool:
        """True if the table was built by other code than today's."""
        return self.now is not None and self.now.recipe != self.target.recipe


def build_features(
    spec: ModelSpec,
    *,
    raw: RawStore,
    features: FeatureFiles,
    recipe_of: RecipeOf,
    known_at: datetime | None = None,
    afresh: Container[str] = (),
    progress: Progress = silent,
) -> FeatureBuild:
    """Build the days that are missing or whose raw inputs changed, oldest first.

    Idempotent. A crash loses at most the current batch. Days first recorded after `known_at` are not built
    now, unless they are built already. Every delivery of the other days is built. Each row says when it was
    known. A correction adds rows: one state as known before it, one as known after it. So the tables hold
    the same facts whenever they are built, and a later call only adds rows. Only one caller at a time.
    A table that lost a file is computed again as a whole: what is missing is added, and all else stays.
    A table whose recipe changed is built in a new generation. Until that is whole, the old one is read.
    afresh: names of tables to build anew although their recipes are the same.
    Raises CodeFailed, ContractBroken.
    """
    landed = landed_of(spec, raw)
    plans = planned(
        spec, landed=landed, features=features, recipe_of=recipe_of, known_at=known_at, afresh=afresh
    )
    days = sum(len(plan.days) for plan in plans)
    rows = 0
    with (progress if days else silent)("days of feature tables built", days) as advance:
        for plan in plans:
            if plan.lost:
                told = "all days of the table are computed again, and what is missing is added"
                log.warning("feature_files_lost", table=plan.table.name, files=plan.lost, told=told)
            if plan.now is not None:
                # Then a table without a list of generations has the first one alone, or has lost the list.
                features.use(plan.table, plan.now)
            sources = {name: landed[name] for name in plan.table.sources}
            for batch in batches(plan.days):
                found = computed(spec, plan.table, batch, sources, raw)
                rows += features.write(plan.table, found, batch, plan.target.name)
                advance(len(batch))
            use(plan, features)
    return FeatureBuild(days, rows)


def use(plan: TablePlan, features: FeatureFiles) -> None:
    """Have the generation of a plan read from now on. All its days are built."""
    features.use(plan.table, plan.target)
    if plan.code_changed:
        told = "their code changed; a champion that was trained on the earlier ones should be retrained"
        log.warning("features_rebuilt", table=plan.table.name, days=len(plan.days), told=told)
    elif plan.rebuilds:
        told = "as asked; their code is the same"
        log.info("features_rebuilt", table=plan.table.name, days=len(plan.days), told=told)


def landed_of(spec: ModelSpec, raw: RawStore) -> dict[str, Landed]:
    """The landed days of each dataset that a feature table reads."""
    names, steady = {source for table in spec.feature_tables for source in table.sources}, raw.listed_once()
    return {name: Landed(steady.days(name), steady.recorded(name)) for name in names}


def planned(
    spec: ModelSpec,
    *,
    landed: Mapping[str, Landed],
    features: FeatureFiles,
    recipe_of: RecipeOf,
    known_at: datetime | None = None,
    afresh: Container[str] = (),
) -> list[TablePlan]:
    """What `build_features` would build now, a plan for each table. Nothing is built."""
    plans: list[TablePlan] = []
    for table in spec.feature_tables:
        kept, recipe = features.generations(table), recipe_of(table)
        read = kept[-1].name if kept else FIRST
        built = features.fingerprints(table, read)
        wanted = wanted_days(table, [landed[name] for name in table.sources], known_at, built)
        kept = kept or adopted(built, wanted, recipe)
        target = next_generation(kept, recipe, afresh=table.name in afresh)
        there = built if target.name == read else features.fingerprints(table, target.name)
        days = {day: print_ for day, print_ in wanted.items() if there.get(day) != print_}
        lost = () if built else features.lost(table, read)  # nothing counts as built where a file is lost
        plans.append(TablePlan(table, kept[-1] if kept else None, target, days, lost))
    return plans


def adopted(built: Mapping[date, str], wanted: Mapping[date, str], recipe: str) -> tuple[Generation, ...]:
    """The generation of a table that was built before recipes were kept.

    It counts as made by today's code, unless no day of it has the fingerprint of today's declaration.
    """
    if not built:
        return ()
    compared = built.keys() & wanted.keys()
    same = not compared or any(built[day] == wanted[day] for day in compared)
    return (Generation(FIRST, recipe if same else UNKNOWN),)


def computed(
    spec: ModelSpec,
    table: FeatureTable,
    batch: Collection[date],
    sources: Mapping[str, Landed],
    raw: RawStore,
) -> pl.DataFrame:
    """Rows of days close together, as known at several instants.

    The instants are those before each correction, and the one at which the sources were listed. Data that
    landed since then is left for the next call: it may correct a day whose earlier state was never built.
    Raises CodeFailed, and ContractBroken if the rows are not as the table declares.
    """
    first, last = min(batch), max(batch)
    seen_from = first - timedelta(days=table.lookback_days)
    newest = {name: source.newest for name, source in sources.items()}
    moments = [*before_corrections(batch, sources.values(), table.lookback_days), max(newest.values())]
    read, called = (raw.scan, streamed_rows_by) if table.streamed else (raw.read, rows_by)
    states = (
        {name: read(spec.dataset(name), seen_from, last, min(moment, newest[name])) for name in sources}
        for moment in moments
    )
    asked = f"for days {first} to {last}"
    rows = pl.concat(
        called(spec.name, f"compute of {table.name}", table.compute, asked, frames, first, last)
        for frames in states
    )
    if faults := [*faults_of(table, rows)]:
        raise ContractBroken(f"{spec.name}: what computes the table {table.name}", faults)
    return rows


def faults_of(table: FeatureTable, rows: pl.DataFrame) -> Iterator[str]:
    """Why computed rows cannot be rows of a table, in words. Empty: they can.

    A column is missing, an event has no instant, or a value would become another one in its declared type.
    A fraction becomes the nearest one of its type.
    """
    declared = {**table.keys, **table.features, "event_timestamp": INSTANT, "created": INSTANT}
    yield from (f"gives no column {name}" for name in declared if name not in rows.columns)
    for name, kind in declared.items():
        found = rows.get_column(name, default=None)
        if found is None:
            continue
        if name == "event_timestamp" and (nulls := found.null_count()):
            yield f"gives no {name} in {counted(nulls, 'row')}"
        if (first := _changed(found, kind)) is not None:
            yield f"gives {first!r} in column {name}, which is declared as {kind}"


def _changed(values: pl.Series, kind: pl.DataType) -> Any:
    """The first value that a type does not hold, if there is one."""
    if values.dtype == kind:
        return None
    try:
        held = values.cast(kind, strict=False)
    except pl.exceptions.PolarsError:  # there is no way from one type to the other
        held = None
    if held is None or values.dtype.is_nested() != kind.is_nested():  # Polars casts a struct of one field
        held = pl.repeat(None, values.len(), dtype=kind, eager=True)
    lost = held.is_null() & values.is_not_null()
    if kind.is_integer() and (values.dtype.is_float() or values.dtype.is_decimal()):
        lost |= (values != held.cast(values.dtype, strict=False)).fill_null(value=False)
    return values.filter(lost)[0] if lost.any() else None


def wanted_days(
    table: FeatureTable, sources: Sequence[Landed], known_at: datetime | None, built: Container[date]
) -> dict[date, str]:
    """Raw day -> fingerprint of the inputs of its rows.

    The inputs are the table's declaration and all deliveries in the window. A day that is built already is
    always included: a new generation has at least the days of the one before.
    """
    declared = f"{dict(table.keys)} {dict(table.features)} {table.lookback_days}"
    limit = None if known_at is None else utc(known_at)
    return {
        day: fingerprint(declared, sources, window(day, table.lookback_days))
        for day, known in sorted(first_recorded(sources).items())
        if limit is None or known <= limit or day in built
    }


def fingerprint(declared: str, sources: Iterable[Landed], days: Sequence[date]) -> str:
    inputs = [
        f"{day.toordinal()}={source.prints[day]}"
        for source in sources
        for day in days
        if day in source.prints
    ]
    return sha256("\n".join([declared, *inputs]).encode()).hexdigest()[:16]


def batches(days: Mapping[date, str]) -> Iterator[dict[date, str]]:
    """Cut days, oldest first, into batches that span at most BATCH_DAYS."""
    batch: dict[date, str] = {}
    for day in sorted(days):
        if batch and (day - min(batch)).days >= BATCH_DAYS:
            yield batch
            batch = {}
        batch[day] = days[day]
    if batch:
        yield batch


def before_corrections(
    days: Iterable[date], sources: Collection[Landed], lookback_days: int
) -> list[datetime]:
    """The last moments before a delivery changed the known data of one of the days.

    Such a delivery is a correction, or an older file that came late.
    """
    own = first_recorded(sources)
    changes = {
        instant
        for day in days
        for source in sources
        for seen in window(day, lookback_days)
        for instant in source.recorded.get(seen, ())
        if instant > own[day]
    }
    return [instant - MOMENT for instant in sorted(changes)]


def first_recorded(sources: Iterable[Landed]) -> dict[date, datetime]:
    """Each landed day with the instant of its first delivery in any of the sources."""
    first: dict[date, datetime] = {}
    for source in sources:
        for day, instants in source.recorded.items():
            first[day] = min(first.get(day, instants[0]), instants[0])
    return first


def window(day: date, lookback_days: int) -> list[date]:
    return [day - timedelta(days=n) for n in range(lookback_days + 1)]
