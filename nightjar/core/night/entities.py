"""The values of a night: run, part, receipt, publication and summary."""

from datetime import date
from enum import StrEnum
from hashlib import sha256

from pydantic import AwareDatetime, Field

from nightjar.core.values import Sha256, Value


class Night(Value):
    """The task of a scheduled run: score `model` for `score_date`.

    It may use only data known at `as_of` (UTC).
    """

    model: str
    score_date: date
    as_of: AwareDatetime


class Part(Value):
    """Rows [start, stop) of a population sorted by entity key; `number` counts from 0."""

    number: int = Field(ge=0)
    start: int = Field(ge=0)
    stop: int = Field(gt=0)

    @property
    def rows(self) -> int:
        return self.stop - self.start


class RunState(StrEnum):
    CLAIMED = "claimed"
    PUBLISHED = "published"
    FAILED = "failed"
    ABANDONED = "abandoned"
    """A forced newer revision replaced it before it was published."""
    PRUNED = "pruned"
    """It was never published, and is so old that its rows were removed. This state is final."""


class Population(Value):
    """The stored snapshot of a night's population: its location and its contents."""

    uri: str
    sha256: Sha256
    rows: int = Field(gt=0)
    parts: int = Field(gt=0)


class Run(Value):
    """One revision of one night.

    `attempt` counts the processes that claimed it. Only the highest attempt may publish.
    known_at: corrections recorded up to this instant count. It is `as_of`, unless a later one was requested.
    base_id: the published run that this run repairs. Rows with the same inputs as before keep its scores.
    challenger_share: the share of the entities that the challenger serves; 0 if it scores in shadow.
    """

    id: int
    model: str
    score_date: date
    revision: int = Field(ge=1)
    attempt: int = Field(ge=1)
    state: RunState
    as_of: AwareDatetime
    known_at: AwareDatetime
    base_id: int | None = None
    version_id: int
    challenger_id: int | None = None
    challenger_share: float = Field(default=0, ge=0, le=1)
    population: Population | None = None

    @property
    def night(self) -> Night:
        return Night(model=self.model, score_date=self.score_date, as_of=self.as_of)

    @property
    def claim(self) -> str:
        """Return a fencing token. Each attempt has a different one.

        A run of another night with the same number also has a different one.
        """
        claimed_with = self.model_dump_json(exclude={"state", "population"})
        return sha256(claimed_with.encode()).hexdigest()[:16]


class PartJob(Value):
    """All that a worker needs to score a part.

    These are the run, the part of it, and the claim that the worker acts for (`Run.claim`).
    """

    run_id: int
    part: int
    claim: str


class BrokenCheck(Value):
    """A check of the contract, and how many rows broke it. column: None if it is about the whole row."""

    column: str | None
    check: str
    rows: int


class Receipt(Value):
    """The committed proof that a part is stored: rows = scored + quarantined.

    broken: the checks that its quarantined rows broke, the most frequent one first.
    """

    run_id: int
    part: int
    rows: int
    scored: int
    quarantined: int
    stored_at: AwareDatetime
    broken: tuple[BrokenCheck, ...] = ()


class Publication(Value):
    """A row of the append-only ledger.

    From `published_at` on, analysts see run `run_id` for (model, score_date).
    findings: the audit's findings that were accepted by the person who gave the reason.
    """

    id: int
    model: str
    score_date: date
    run_id: int
    action: str
    reason: str | None = None
    findings: tuple[str, ...] = ()
    published_at: AwareDatetime


class NightSummary(Value):
    """The result of a night's attempt, for people: the artifact in Prefect, the table in a terminal."""

    model: str
    score_date: date
    as_of: AwareDatetime
    run_id: int
    revision: int
    version_number: int
    population: int
    scored: int
    carried: int = 0
    without_challenger: int = 0
    """Scored rows to which the night's challenger gave no score."""
    by_challenger: int = 0
    """Scored rows that the night's challenger serves."""
    quarantined: int
    parts: int
    parts_done_now: int
    mean_score: float | None
    already_published: bool
    published_at: AwareDatetime
    seconds: float
    lacks: tuple[str, ...] = ()
    """Steps after the publication that could not be done, each with its reason.

    The night is published nevertheless.
    """
