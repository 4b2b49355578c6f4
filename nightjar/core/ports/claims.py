"""Claims make sure that one process at a time works on a night."""

from contextlib import AbstractContextManager
from typing import Protocol

from nightjar.core.model.entities import Version
from nightjar.core.night.claim import PUBLISHED, Claimed, Request
from nightjar.core.night.entities import Night, Population, Run
from nightjar.core.ports.going_on import GoOn, unasked


class ClaimStore(Protocol):
    """Opens runs. Committed changes survive any crash. Uncommitted changes leave no trace."""

    def night(
        self,
        night: Night,
        champion: Version,
        challenger: Version | None,
        request: Request = PUBLISHED,
        *,
        wait_s: float = 0,
        go_on: GoOn = unasked,
    ) -> AbstractContextManager[Claimed]:
        """Take the night's lock and open or resume its run.

        The lock is released when the context or the process ends.
        There are three cases:
        Nothing to do: the night is published and the request wants no more, or the request repairs another
        run than analysts see. `claimed.publication` is set. `run` is the published run, unchanged.
        Unfinished: the same run, with attempt + 1 and the versions of its first claim.
        Forced, or a repair: a new revision. An unfinished older run is marked abandoned.
        go_on is asked while another process holds the night.
        Raises NightBusy after wait_s seconds, and Stopped. Raises BadSettings for a repair of an unpublished
        night, and for a date too far ahead for the store.
        """
        ...

    def record_population(self, run: Run, population: Population) -> Run:
        """Fix the run's population.

        A second call with the same population changes nothing. With another one it raises ClaimLost.
        """
        ...

    def fail(self, run: Run, error: str) -> None:
        """Store why the attempt ended. The run can still be resumed."""
        ...
