"""Measurement of the stages of a run."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from nightjar.core.night.entities import Run
from nightjar.core.night.stages import Stage, Work


class Tell(Protocol):
    def __call__(
        self, *, rows: int | None = None, size: int | None = None, quarantined: int | None = None
    ) -> None:
        """Say what the stage handled. size: bytes read or copied. A later call replaces an earlier one."""
        ...


class Stages(Protocol):
    """The stages of one piece of work. They do not overlap within a thread, and are not nested."""

    def __call__(self, stage: str, role: str = "") -> AbstractContextManager[Tell]:
        """Measure what runs inside. It costs microseconds, and raises nothing of its own."""
        ...

    @property
    def ended(self) -> tuple[Stage, ...]:
        """The stages that have ended, in their order."""
        ...


class Meter(Protocol):
    def __call__(
        self, run: Run, part: int | None = None, *, follows: bool = False
    ) -> AbstractContextManager[Stages]:
        """Measure a piece of work on a run: a part, or None for the run as a whole.

        follows: the work follows the publication.

        At its end the work goes to whoever keeps it. An error there never becomes an error of the work.
        """
        ...


class StageLedger(Protocol):
    """The stages of runs."""

    def record(self, work: Work) -> None:
        """Store the stages of a run as a whole. Append-only. Raises StoreUnavailable.

        Those of a part are left: `write_part` stores them with its receipt, or nobody does.
        """
        ...

    def stages(self, run_id: int) -> tuple[tuple[int | None, Stage], ...]:
        """Return the stages of a run with their part, in the order in which they began."""
        ...


class Unstaged:
    """Implements `Stages`, and measures nothing."""

    ended: tuple[Stage, ...] = ()

    @contextmanager
    def __call__(self, stage: str, role: str = "") -> Generator[Tell]:  # noqa: ARG002  # every stage alike
        yield untold


def untold(*, rows: int | None = None, size: int | None = None, quarantined: int | None = None) -> None:
    """Keep nothing."""


UNSTAGED: Stages = Unstaged()


@contextmanager
def unmetered(run: Run, part: int | None = None, *, follows: bool = False) -> Generator[Stages]:
    """Measure nothing."""
    yield UNSTAGED
