"""Rows and files that retention may remove."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from nightjar.core.upkeep.retention import Holding, Month, Named, StoredFile, Trace


class RunHoldings(Protocol):
    """The rows that runs have in the database, for retention.

    It needs the rights of the schema's owner. The writer may not remove anything.
    """

    def runs(self) -> tuple[Trace, ...]:
        """Return every run, except pruned runs that have no rows left."""
        ...

    def held(self, runs: Sequence[Trace]) -> tuple[Holding, ...]:
        """Return the rows of these runs by table."""
        ...

    def named(self) -> tuple[Named, ...]:
        """Return every file that a dataset, a version or a report names.

        Return also the population of every run that is not pruned.
        """
        ...

    def forget(self, run: Trace) -> tuple[Holding, ...] | None:
        """Mark a run as pruned, then remove its rows in batches. Return the removed rows by table.

        Return None if the run no longer matches `run`. Holds the night's lock. If it is killed midway, it may
        be called again. Raises NightBusy at once if another process works on the night.
        """
        ...

    def months(self) -> tuple[Month, ...]: ...

    def drop(self, month: Month) -> bool:
        """Drop a month that has no scores.

        Do nothing and return False if it has scores by now, or if somebody reads or changes it.
        """
        ...


class Shelf(Protocol):
    """Files of one kind, for retention."""

    def files(self) -> Iterable[StoredFile]: ...

    def discard(self, file: StoredFile) -> bool:
        """Remove a listed file and return True.

        Return False if the file was changed after it was listed, or does not exist any more.
        """
        ...
