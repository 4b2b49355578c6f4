"""The values the platform talks about: night, run, part, receipt, publication, version. All frozen."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Value(BaseModel):
    """A frozen value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Night(Value):
    """What a scheduled run stands for: score `model` for `score_date`, knowing only what was known at `as_of` (UTC)."""

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
    """One revision of one night. `attempt` counts the processes that claimed it; the highest alone may publish.

    known_at: corrections recorded up to then count; `as_of`, unless somebody asked for a later one. base_id: the published run that this
    one repairs: rows whose inputs are still the same keep its scores.
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
        """A fencing token: two attempts never have the same, and neither has a run of another night under the same number."""
        claimed_with = self.model_dump_json(exclude={"state", "population"})
        return sha256(claimed_with.encode()).hexdigest()[:16]


class PartJob(Value):
    """All that a worker needs to score a part: which run, which of its parts, and the claim it works for (`Run.claim`)."""

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


class Distribution(Value):
    """Scores of one night in numbers: `mean` and `stddev` of the scores, `distinct` values, `quantiles`, how many `rows`, how many of them `carried` over."""

    score_date: date
    rows: int
    carried: int = 0
    mean: float
    stddev: float
    distinct: int
    quantiles: tuple[float, ...] = ()
    """Evenly spaced from the least to the greatest score; none of no rows."""


SCORE = "score"
"""The column of a profile that is no input."""


class ColumnProfile(Value):
    """A column of a night in numbers. Of a text column `categories` has the rows of the most frequent ones; of a number column `quantiles` are
    evenly spaced from the least to the greatest value.

    rows: how many were looked at. distinct: different values among those that are not null. entities: how many share the values: the keys
    of a feature's table that occur, or else the rows.
    """

    column: str
    rows: int
    nulls: int
    distinct: int
    entities: int
    mean: float | None = None
    stddev: float | None = None
    quantiles: tuple[float, ...] = ()
    categories: Mapping[str, int] = Field(default_factory=dict)

    @property
    def values(self) -> int:
        return self.rows - self.nulls

    @property
    def null_share(self) -> float:
        return self.nulls / self.rows if self.rows else 1.0


class NightProfile(Value):
    """What the inputs of a run's sampled rows and all its scores look like."""

    score_date: date
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile | None:
        return next((column for column in self.columns if column.column == name), None)

    @property
    def mean_score(self) -> float | None:
        """None where no row was scored."""
        scores = self.column(SCORE)
        return None if scores is None else scores.mean


class Publication(Value):
    """A row of the append-only ledger: from `published_at` on, `run_id` is what analysts see of (model, score_date).

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


class Dataset(Value):
    """A training snapshot: mature outcomes of [first_date, last_date] with features as known on each date's own as-of."""

    id: int
    model: str
    sha256: Sha256
    uri: str
    rows: int
    first_date: date
    last_date: date
    known_at: AwareDatetime


class GateResult(Value):
    """A gate's verdict on one version: the measured `value` against `threshold`, and why, in words."""

    name: str
    passed: bool
    value: float | None
    threshold: float | None
    reason: str


class Candidate(Value):
    """A trained model before it is registered. `artifact_sha256` is of the stored bytes; metrics are of unseen dates."""

    model: str
    algorithm: str
    dataset_id: int
    artifact_uri: str
    artifact_sha256: Sha256
    reference_uri: str
    """A sample of training rows (features and scores) that drift is measured against; Parquet."""
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    gates: tuple[GateResult, ...]
    code_version: str
    trained_through: date
    """Last date whose outcomes the model has seen: a score of that date or earlier is in-sample."""


class Version(Candidate):
    """A registered candidate: `number` counts from 1 within its model."""

    id: int
    number: int
    created_at: AwareDatetime


class Promotion(Value):
    """A row of the append-only promotion ledger: from `promoted_at` on, the version holds `role` (champion, challenger)."""

    id: int
    model: str
    version_id: int
    version_number: int
    role: str
    reason: str
    promoted_at: AwareDatetime


class ColumnDrift(Value):
    """One column of one night against the training sample. PSI is None where it cannot be computed; `note` says why."""

    column: str
    method: str
    value: float | None
    threshold: float | None
    drifted: bool
    null_share: float
    reference_null_share: float
    note: str | None = None


class NightPerformance(Value):
    """How a published night did once its outcomes were known. Metrics are None where they are not defined."""

    run_id: int
    model: str
    score_date: date
    rows: int
    with_outcome: int
    base_rate: float | None
    mean_score: float | None
    auc: float | None
    pr_auc: float | None
    brier: float | None
    ece: float | None
    measured_at: AwareDatetime


class NightSummary(Value):
    """What a night's attempt came to, for people: the artifact in Prefect, the table of `nightjar status`."""

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
    """What follows a publication and could not be done, each with its reason. The night is published all the same."""


def utc(moment: datetime) -> datetime:
    """The same instant in UTC; raises ValueError for a naive time, whose instant nobody knows."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC)
