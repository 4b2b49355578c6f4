"""What may be forgotten: decisions alone.

It may be rows of runs that never were published, files that nothing names, and what killed writers left.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath

from nightjar.core.night.entities import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long things are kept that nobody needs.

    unpublished: the rows of a run that was never published, from its last attempt on. inbox: copies of
    delivered files. grace: a file that nothing names, since a night under way puts files before a row names
    them; longer than any night.
    """

    unpublished: timedelta = timedelta(days=14)
    inbox: timedelta = timedelta(days=14)
    grace: timedelta = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A run as retention sees it.

    touched_at: when it was last claimed or ended; published: whether the ledger names it, now or ever.
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
    """A file that a row names. run_id: the run whose row it is; None for a dataset's or a version's."""

    uri: str
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """uri: where it lies; kind: what it is, for people.

    changed_at: when it was written, or last found to be needed (UTC).
    """

    uri: str
    kind: str
    bytes: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Month:
    """A partition of scores, and the runs that have any in it."""

    name: str
    first: date
    runs: frozenset[int]


@dataclass(frozen=True, slots=True)
class Holding:
    """So many things of a kind, and their size."""

    kind: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What would go, or went.

    runs: which lost their rows; busy: what somebody else was working at, and so was left for the next time.
    """

    applied: bool
    runs: tuple[Trace, ...]
    holdings: tuple[Holding, ...]
    busy: tuple[str, ...] = field(default=())


def forgettable(runs: Collection[Trace], policy: Policy, now: datetime) -> tuple[Trace, ...]:
    """The runs whose rows may go. Never one that was ever published, nor one that a repair stands on.

    A run that is pruned already is named again: where it still has rows, somebody was killed while removing
    them.
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
    """Names of the files that rows will still name when the rows of some runs are gone.

    A file's name begins with a hash of its content, so a store that has moved, or is reached by another URL,
    keeps what rows name by the old one. The files of a bundle begin with the hash of its manifest, which is
    the one that a row names.
    """
    return frozenset(file_name(file.uri) for file in named if file.run_id not in forgotten)


def unneeded(
    files: Iterable[StoredFile], names: frozenset[str], policy: Policy, now: datetime
) -> tuple[StoredFile, ...]:
    """The files that no row names and that are older than the grace."""
    return tuple(file for file in stale(files, policy.grace, now) if file_name(file.uri) not in names)


def stale(files: Iterable[StoredFile], age: timedelta, now: datetime) -> tuple[StoredFile, ...]:
    return tuple(file for file in files if file.changed_at <= now - age)


def vacant(months: Iterable[Month], forgotten: frozenset[int]) -> tuple[Month, ...]:
    """The months that hold no score of any other run."""
    return tuple(month for month in months if month.runs <= forgotten)


def file_name(uri: str) -> str:
    """The name without what follows its first dot: the number within a bundle, and the suffix."""
    return PurePosixPath(uri).name.partition(".")[0]


def total(holdings: Iterable[Holding]) -> tuple[Holding, ...]:
    """One line a kind, in the order in which kinds first come.

    Kinds of which there is nothing are left out.
    """
    sums: dict[str, tuple[int, int]] = {}
    for holding in holdings:
        count, size = sums.get(holding.kind, (0, 0))
        sums[holding.kind] = (count + holding.count, size + holding.bytes)
    return tuple(Holding(kind, count, size) for kind, (count, size) in sums.items() if count)


def weighed(files: Iterable[StoredFile]) -> tuple[Holding, ...]:
    return total(Holding(file.kind, 1, file.bytes) for file in files)
