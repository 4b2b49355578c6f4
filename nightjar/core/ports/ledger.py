"""The runs there are, and which of them analysts see."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

from nightjar.core.night.entities import Publication, Run
from nightjar.core.night.plan import Standing
from nightjar.core.ports.going_on import GoOn, unasked


class RunReader(Protocol):
    """The runs there are."""

    def run(self, run_id: int) -> Run: ...

    def runs(self, model: str | None = None, limit: int = 20) -> tuple[Run, ...]: ...

    def runs_of(self, model: str, score_date: date) -> tuple[Run, ...]:
        """Every run of a night, oldest first."""
        ...

    def standings(self, model: str, first: date, last: date) -> Mapping[date, Standing]:
        """How far each night of first..last has come that was ever attempted.

        That a night is held is true of this moment.
        """
        ...

    def claimants(self, flow_runs: Collection[str]) -> frozenset[str]:
        """Those of the flow runs that a run names as the one that claimed it last."""
        ...


class PublicationReader(Protocol):
    """What analysts see."""

    def publication(self, model: str, score_date: date) -> Publication | None:
        """What analysts see of a night now."""
        ...

    def published(self, model: str) -> tuple[Publication, ...]:
        """What analysts see now of every published night, by score date."""
        ...


class PublicationWriter(Protocol):
    """Decides what analysts see. Append-only."""

    def publish(
        self, run: Run, reason: str | None = None, findings: Sequence[str] = (), *, go_on: GoOn = unasked
    ) -> Publication:
        """Make the run what analysts see.

        One insert; a second call returns the first's row. Raises ClaimLost if another attempt claimed it,
        RepairOutdated for a repair of what analysts no longer see, AuditFailed unless the stored rows are
        what the receipts of all parts say, Stopped.
        reason: why a person published it; findings: what the audit had against it and that person accepted.
        go_on is asked last of all, immediately before the insert.
        """
        ...

    def roll_back(self, run: Run, reason: str) -> Publication:
        """Show analysts an earlier publication of the night again; nothing changes if they see it now.

        Raises BadSettings for a run never published.
        """
        ...
