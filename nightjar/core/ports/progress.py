"""Progress of long work, shown to a person who may stop it."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from nightjar.core.ports.going_on import GoOn


class Progress(Protocol):
    def __call__(self, what: str, total: int) -> AbstractContextManager["Advance"]: ...


class Advance(Protocol):
    def __call__(self, steps: int = 1) -> None: ...


def silent(what: str, total: int) -> AbstractContextManager[Advance]:
    """Show no progress."""
    return nullcontext(lambda steps=1: None)


def asking(progress: Progress, go_on: GoOn) -> Progress:
    """Return the same progress, which asks `go_on` after each step.

    Long work can be stopped there: `advance` raises Stopped.
    """

    @contextmanager
    def ask_at_each_step(what: str, total: int) -> Generator[Advance]:
        with progress(what, total) as told:

            def advance(steps: int = 1) -> None:
                told(steps)
                go_on()

            yield advance

    return ask_at_each_step
