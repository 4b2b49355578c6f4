"""What retention may remove."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from nightjar.core.upkeep.retention import Holding, Month, Named, StoredFile, Trace


class RunHoldings(Protocol):
    """What runs hold in the database, for retention.

    Needs the rights of the schema's owner: the writer may remove nothing.
    """

    def runs(self) -> tuple[Trace, ...]:
        """Every run; of those that are pruned, only those that still have rows."""
        ...

    def held(self, runs: Sequence[Trace]) -> tuple[Holding, ...]:
        """The rows of these runs by table."""
        ...

    def named(self) -> tuple[Named, ...]:
        """Every file that a dataset, a version or a report names.

        Also the population of every run that is not pruned.
        """
        ...

    def forget(self, run: Trace) -> tuple[Holding, ...] | None:
        """Mark a run as pruned, then remove its rows in batches; return what went.

        None if the run is no longer as `run` says. Holds the night's lock. Killed midway, it may be called
        again. Raises NightBusy at once if somebody works at the night.
        """
        ...

    def months(self) -> tuple[Month, ...]: ...

    def drop(self, month: Month) -> bool:
        """Drop a month that holds no score.

        False, and nothing done, if it holds one by now, or if somebody works at or reads it.
        """
        ...


class Shelf(Protocol):
    """Files of one kind, for retention."""

    def files(self) -> Iterable[StoredFile]: ...

    def discard(self, file: StoredFile) -> bool:
        """Remove a listed file, unless it has become younger since it was listed, or is gone.

        Whether it went.
        """
        ...
