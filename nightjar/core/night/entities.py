"""The values of a night: run, part, receipt, publication, and what it came to."""

from datetime import date
from enum import StrEnum
from hashlib import sha256

from pydantic import AwareDatetime, Field

from nightjar.core.values import Sha256, Value


class Night(Value):
    """What a scheduled run stands for: score `model` for `score_date`.

    It may know only what was known at `as_of` (UTC).
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
    """Replaced by a forced newer revision before it was published."""
    PRUNED = "pruned"
    """Never published, and so old that its rows were removed. Nothing leads on from here."""


class Population(Value):
    """The snapshot of a night's population: where it lies, what it holds."""

    uri: str
    sha256: Sha256
    rows: int = Field(gt=0)
    parts: int = Field(gt=0)


class Run(Value):
    """One revision of one night.

    `attempt` counts the processes that claimed it; the highest alone may publish.
    known_at: corrections recorded up to then count; `as_of`, unless somebody asked for a later one.
    base_id: the published run that this one repairs: rows whose inputs are still the same keep its scores.
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
    population: Population | None = None

    @property
    def night(self) -> Night:
        return Night(model=self.model, score_date=self.score_date, as_of=self.as_of)

    @property
    def claim(self) -> str:
        """A fencing token: two attempts never have the same.

        A run of another night under the same number has another one too.
        """
        claimed_with = self.model_dump_json(exclude={"state", "population"})
        return sha256(claimed_with.encode()).hexdigest()[:16]


class PartJob(Value):
    """All that a worker needs to score a part.

    That is: which run, which of its parts, and the claim it works for (`Run.claim`).
    """

    run_id: int
    part: int
    claim: str


class Receipt(Value):
    """The committed proof that a part is stored: rows = scored + quarantined."""

    run_id: int
    part: int
    rows: int
    scored: int
    quarantined: int
    stored_at: AwareDatetime


class Publication(Value):
    """A row of the append-only ledger.

    From `published_at` on, `run_id` is what analysts see of (model, score_date).
    findings: what the audit had against it, and the person who gave the reason accepted.
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
    """What a night's attempt came to, for people: the artifact in Prefect, the table in a terminal."""

    model: str
    score_date: date
    as_of: AwareDatetime
    run_id: int
    revision: int
    version_number: int
    population: int
    scored: int
    carried: int = 0
    quarantined: int
    parts: int
    parts_done_now: int
    mean_score: float | None
    already_published: bool
    published_at: AwareDatetime
    seconds: float
    lacks: tuple[str, ...] = ()
    """What follows a publication and could not be done, each with its reason.

    The night is published all the same.
    """
