"""The runs, and the publications that analysts see."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

from nightjar.core.night.entities import Publication, Run
from nightjar.core.night.plan import Standing
from nightjar.core.ports.going_on import GoOn, unasked


class RunReader(Protocol):
    """Reads runs."""

    def run(self, run_id: int) -> Run: ...

    def find_run(self, model: str, run_id: int) -> Run | None:
        """Return the run, or None if the model has none with this id."""
        ...

    def runs(self, model: str | None = None, limit: int = 20) -> tuple[Run, ...]: ...

    def runs_of(self, model: str, score_date: date) -> tuple[Run, ...]:
        """Every run of a night, oldest first."""
        ...

    def standings(self, model: str, first: date, last: date) -> Mapping[date, Standing]:
        """Return the progress of each attempted night of first..last.

        A Standing says if a process holds the night at this moment.
        """
        ...

    def claimants(self, flow_runs: Collection[str]) -> frozenset[str]:
        """Return those of the flow runs that were the last to claim some run."""
        ...


class PublicationReader(Protocol):
    """Reads the publications that analysts see."""

    def publication(self, model: str, score_date: date) -> Publication | None:
        """Return the publication of a night that analysts see now."""
        ...

    def publications_of(self, model: str, score_date: date) -> tuple[Publication, ...]:
        """Return every publication of a night, oldest first."""
        ...

    def published(self, model: str) -> tuple[Publication, ...]:
        """Return the publication that analysts see now for every published night, by score date."""
        ...


class PublicationWriter(Protocol):
    """Changes which runs analysts see. Append-only."""

    def publish(
        self, run: Run, reason: str | None = None, findings: Sequence[str] = (), *, go_on: GoOn = unasked
    ) -> Publication:
        """Show the run to analysts.

        It is one insert. A second call returns the row of the first. Raises ClaimLost if another attempt
        claimed the run, RepairOutdated if it repairs a run that analysts no longer see, AuditFailed unless
        the stored rows agree with the receipts of all parts, and Stopped.
        reason: why a person published it. findings: the audit's findings that this person accepted.
        go_on is asked last, immediately before the insert.
        """
        ...

    def roll_back(self, run: Run, reason: str) -> Publication:
        """Show analysts an earlier publication of the night again.

        Nothing changes if they see it now. Raises BadSettings for a run that was never published.
        """
        ...
