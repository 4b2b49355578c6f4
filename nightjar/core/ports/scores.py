"""Runs, their parts and their publications."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol

import polars as pl

from nightjar.core.comparison.entities import Distribution
from nightjar.core.model.entities import Version
from nightjar.core.night.claim import PUBLISHED, Claimed, Request
from nightjar.core.night.entities import Night, Part, Population, Publication, Receipt, Run
from nightjar.core.night.plan import Standing
from nightjar.core.ports.going_on import GoOn, unasked


class ScoreStore(Protocol):
    """Runs, parts and publications of nights. What it commits survives any crash; what it did not commit was never there."""

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
        """Take the night's lock and open or resume its run; the lock goes with the context, or with the process.

        Published already and nothing else wanted, or a repair wanted of another run than analysts see: `claimed.publication` is set and `run`
        is the published one, untouched.
        Unfinished: the same run with attempt + 1 and the versions it was first claimed with. Forced, or a repair: a new revision, and an
        unfinished older one is marked abandoned. go_on is asked while another process holds the night.
        Raises NightBusy after wait_s seconds, Stopped, BadSettings for a repair of what is not published and for a date that lies further
        ahead than the store has room for.
        """
        ...

    def record_population(self, run: Run, population: Population) -> Run:
        """Fix the run's population. A second call with another population raises ClaimLost; with the same one it changes nothing."""
        ...

    def receipts(self, run: Run) -> tuple[Receipt, ...]: ...

    def write_part(self, run: Run, part: Part, scores: pl.DataFrame, quarantined: pl.DataFrame) -> Receipt:
        """Store one part's scores, its quarantined rows and its receipt in one transaction.

        scores: `entity_key` String, `score` Float64 in [0, 1], `challenger_score` Float64 or null, `carried_from` Int32: the run whose score
        it is, null for one computed now. quarantined: `entity_key` String or null,
        `reasons` String (a JSON array of {column, check, value}), `row` String (the row as JSON). Their heights add up to part.rows.
        Idempotent: a part whose receipt exists is left as it is and its receipt returned, also when two processes write it at once.
        Raises StoreUnavailable (retryable), ContractBroken, ClaimLost (the run is no longer this attempt's).
        """
        ...

    def distribution(self, run: Run) -> Distribution: ...

    def publish(self, run: Run, reason: str | None = None, findings: Sequence[str] = (), *, go_on: GoOn = unasked) -> Publication:
        """Make the run what analysts see. One insert; a second call returns the first's row. Raises ClaimLost if another attempt claimed it,
        RepairOutdated for a repair of what analysts no longer see, AuditFailed unless the stored rows are what the receipts of all parts
        say, Stopped.

        reason: why a person published it; findings: what the audit had against it and that person accepted. go_on is asked last of all,
        immediately before the insert.
        """
        ...

    def roll_back(self, run: Run, reason: str) -> Publication:
        """Show analysts an earlier publication of the night again; nothing changes if they see it now. Raises BadSettings for a run never published."""
        ...

    def fail(self, run: Run, error: str) -> None:
        """Note why the attempt ended. The run stays resumable."""
        ...

    def publication(self, model: str, score_date: date) -> Publication | None:
        """What analysts see of a night now."""
        ...

    def published(self, model: str) -> tuple[Publication, ...]:
        """What analysts see now of every published night, by score date."""
        ...

    def standings(self, model: str, first: date, last: date) -> Mapping[date, Standing]:
        """How far each night of first..last has come that was ever attempted; that a night is held is true of this moment."""
        ...

    def run(self, run_id: int) -> Run: ...

    def runs(self, model: str | None = None, limit: int = 20) -> tuple[Run, ...]: ...

    def claimants(self, flow_runs: Collection[str]) -> frozenset[str]:
        """Those of the flow runs that a run names as the one that claimed it last."""
        ...

    def published_scores(self, run: Run) -> pl.DataFrame:
        """`entity_key`, `score`, `challenger_score`, `carried_from` of a run, sorted by key."""
        ...

    def scores_for(self, run: Run, keys: pl.Series) -> pl.DataFrame:
        """`entity_key` and `score` of those of the keys that a run has scored, in any order."""
        ...

    def quarantined(self, run: Run) -> pl.DataFrame:
        """`entity_key`, `reasons`, `row` of a run, as `write_part` took them, in the order of the population."""
        ...
