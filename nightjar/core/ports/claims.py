"""Who works at a night."""

from contextlib import AbstractContextManager
from typing import Protocol

from nightjar.core.model.entities import Version
from nightjar.core.night.claim import PUBLISHED, Claimed, Request
from nightjar.core.night.entities import Night, Population, Run
from nightjar.core.ports.going_on import GoOn, unasked


class ClaimStore(Protocol):
    """Opens runs. What it commits survives any crash; what it did not commit was never there."""

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

        The lock goes with the context, or with the process.
        Published already and nothing else wanted, or a repair wanted of another run than analysts see:
        `claimed.publication` is set and `run` is the published one, untouched.
        Unfinished: the same run with attempt + 1 and the versions it was first claimed with. Forced, or a
        repair: a new revision, and an unfinished older one is marked abandoned. go_on is asked while another
        process holds the night.
        Raises NightBusy after wait_s seconds, Stopped, BadSettings for a repair of what is not published and
        for a date that lies further ahead than the store has room for.
        """
        ...

    def record_population(self, run: Run, population: Population) -> Run:
        """Fix the run's population.

        A second call with another population raises ClaimLost; with the same one it changes nothing.
        """
        ...

    def fail(self, run: Run, error: str) -> None:
        """Note why the attempt ended. The run stays resumable."""
        ...
