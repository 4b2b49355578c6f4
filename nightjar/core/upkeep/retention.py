"""Retention decides what may be removed; it removes nothing itself.

Three things may go: rows of runs that were never published, files that no row names, and drafts that killed
writers left behind.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath

from nightjar.core.model.generations import Generations
from nightjar.core.night.entities import RunState

SHARED = "features"
"""The kind of files of feature tables that are stored for workers. No row names them."""
SHARED_GRACE = timedelta(days=30)
"""How long such a file is kept after it was last stored. One night stores it, and many read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long unneeded things are kept.

    unpublished: the rows of a run that was never published, counted from its last attempt. inbox: copies of
    delivered files. grace: a file that no row names. A running night writes files before a row names them, so
    the grace is longer than any night.
    """

    unpublished: timedelta = timedelta(days=14)
    inbox: timedelta = timedelta(days=14)
    grace: timedelta = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A run as retention sees it.

    touched_at: when it was last claimed or ended. published: True if it is published now or ever was.
    """

    id: int
    model: str
    score_date: date
    state: RunState
    touched_at: datetime
    published: bool
    base_id: int | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A file that a row names. run_id: the run of that row. None: the row is a dataset's or a version's."""

    uri: str
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in a store.

    uri: its place. kind: a name for people. changed_at: when it was written or last found to be needed (UTC).
    """

    uri: str
    kind: str
    bytes: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Month:
    """A partition of scores, and the runs that have scores in it."""

    name: str
    first: date
    runs: frozenset[int]


@dataclass(frozen=True, slots=True)
class Holding:
    """The number of things of one kind, and their size."""

    kind: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed, or would be removed if `applied` is False.

    runs: the runs that lost their rows. busy: things that another process was using. They are left for the
    next pruning.
    """

    applied: bool
    runs: tuple[Trace, ...]
    holdings: tuple[Holding, ...]
    busy: tuple[str, ...] = field(default=())


def forgettable(runs: Collection[Trace], policy: Policy, now: datetime) -> tuple[Trace, ...]:
    """Return the runs whose rows may be removed.

    A run that was ever published is kept, and so is a run that a repair is based on. A run that is already
    pruned is returned again, because it may still have rows if a process was killed while it removed them.
    """
    bases = {run.base_id for run in runs if run.state is not RunState.PRUNED}
    return tuple(
        run for run in runs if not run.published and run.id not in bases and _is_over(run, policy, now)
    )


def _is_over(run: Trace, policy: Policy, now: datetime) -> bool:
    if run.state is RunState.PUBLISHED:
        return False
    return run.state is RunState.PRUNED or run.touched_at <= now - policy.unpublished


def needed(named: Iterable[Named], forgotten: frozenset[int]) -> frozenset[str]:
    """Return the names of the files that rows still name after the rows of some runs are removed.

    A file's name begins with a hash of its content. So names still match if a store has moved or has another
    URL. The names of a bundle's files begin with the hash of its manifest. A row names the manifest.
    """
    return frozenset(file_name(file.uri) for file in named if file.run_id not in forgotten)


def unneeded(
    files: Iterable[StoredFile], names: frozenset[str], policy: Policy, now: datetime
) -> tuple[StoredFile, ...]:
    """Return the files that no row names and that are older than the grace of their kind."""
    shared = max(policy.grace, SHARED_GRACE)
    return tuple(
        file
        for file in stale(files, policy.grace, now)
        if file_name(file.uri) not in names and (file.kind != SHARED or file.changed_at <= now - shared)
    )


def names_generations(file: StoredFile, names: frozenset[str]) -> bool:
    """True for the file of a needed population that says which generations of feature tables its run read."""
    return file.kind == "population" and file.uri.endswith(".json") and file_name(file.uri) in names


def unseen(folders: Iterable[StoredFile], seen: Iterable[Generations]) -> tuple[StoredFile, ...]:
    """The generations, folders `<table>/<generation>`, that no run has read."""
    needed = {pair for generations in seen for pair in generations.items()}
    return tuple(each for each in folders if PurePosixPath(each.uri).parts[-2:] not in needed)


def stale(files: Iterable[StoredFile], age: timedelta, now: datetime) -> tuple[StoredFile, ...]:
    return tuple(file for file in files if file.changed_at <= now - age)


def vacant(months: Iterable[Month], forgotten: frozenset[int]) -> tuple[Month, ...]:
    """Return the months that hold scores of the forgotten runs alone, or none."""
    return tuple(month for month in months if month.runs <= forgotten)


def file_name(uri: str) -> str:
    """Return the name up to its first dot, so without the number within a bundle and the suffix."""
    return PurePosixPath(uri).name.partition(".")[0]


def total(holdings: Iterable[Holding]) -> tuple[Holding, ...]:
    """Return one holding for each kind, in the order in which kinds first occur.

    Kinds with a count of 0 are left out.
    """
    sums: dict[str, tuple[int, int]] = {}
    for holding in holdings:
        count, size = sums.get(holding.kind, (0, 0))
        sums[holding.kind] = (count + holding.count, size + holding.bytes)
    return tuple(Holding(kind, count, size) for kind, (count, size) in sums.items() if count)


def weighed(files: Iterable[StoredFile]) -> tuple[Holding, ...]:
    return total(Holding(file.kind, 1, file.bytes) for file in files)
