"""What the desk shows, read from the views of analysts. One class a query; a row is one object."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from nightjar.core.monitoring.foreseen import Expected
from nightjar.core.monitoring.losses import NightLoss


@dataclass(frozen=True, slots=True, kw_only=True)
class NightSeen:
    """The run of a night that analysts see, or else its newest run.

    action: publish or rollback; None: nothing of the night is published. findings: what a person accepted.
    repairs_run: the run whose rows it has, or whose scores of untouched rows it keeps. switched: True if it
    has them by another version, or by one in place of two, and knows no more: no repair is like that.
    published_at: of what analysts see; first_published_at: of the first that they saw of the night.
    newer: a run that was to replace the one that analysts see, and is not published. None: there is none.
    newer_state, newer_error: of it.
    """

    score_date: date
    run_id: int
    revision: int
    state: str
    model_version: int
    repairs_run: int | None
    switched: bool
    population: int | None
    scored: int
    quarantined: int
    claimed_at: datetime
    ended_at: datetime | None
    flow_run: str | None
    error: str | None
    action: str | None
    reason: str | None
    findings: Sequence[str] | None
    published_at: datetime | None
    first_published_at: datetime | None
    newer: int | None
    newer_state: str | None
    newer_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A metric of a night alone (occasions 1), or of the window that ends with it.

    nights: how many of them were measured. low, high: its interval at 95%. coverage: share of the scored rows
    whose outcome was known.
    """

    score_date: date
    role: str
    occasions: int
    nights: int
    metric: str
    value: float | None
    low: float | None
    high: float | None
    rows: int
    coverage: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSeen:
    """The drift of a column of a night. value, threshold: None where they cannot be computed.

    finding: the name of what is told of the column, an alarm if `drifted`; None for nothing.
    """

    score_date: date
    column_name: str
    value: float | None
    threshold: float | None
    drifted: bool
    finding: str | None
    null_share: float
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the audit had against a run. number, expected, allowed, rate: None where there is none.

    holds: False if people are told of it, and it did not hold the night back.
    """

    score_date: date
    run_id: int
    name: str
    column_name: str
    slice: str
    number: float | None
    expected: float | None
    allowed: float | None
    rate: float | None
    sentence: str
    runbook: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """How many rows of a night broke a check of the contract."""

    score_date: date
    column_name: str | None
    broken: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleHeld:
    """A role that a version held. held_until: None while it holds it."""

    role: str
    model_version: int
    held_from: datetime
    held_until: datetime | None
    reason: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An incident. model: empty for the platform itself. ended_at: None while it is open."""

    model: str
    kind: str
    subject: str
    severity: str
    sentence: str
    link: str | None
    runbook: str
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenNow:
    """The open incidents of all models and of the platform, the critical ones first.

    watched: whether a watcher looked, so that these are all. sent_at: when they were read (UTC).
    """

    troubles: Sequence[Trouble]
    watched: bool
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityNight:
    """A score of an entity, and what happened. reasons: in the words of the model's spec, by rank."""

    score_date: date
    score: float
    model_version: int
    outcome: float | None
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The scores of a night. quantiles: evenly spaced by rank, from the least to the greatest."""

    score_date: date
    mean: float | None
    quantiles: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSeen:
    """What a stage of a night took, all parts together. role: empty if it has none.

    rows, size: None where it counts none. size, peak_memory: bytes.
    """

    score_date: date
    stage: str
    role: str
    rows: int | None
    seconds: float
    cpu_seconds: float
    size: int | None
    peak_memory: int
    retries: int

    @property
    def name(self) -> str:
        return f"{self.stage} ({self.role})" if self.role else self.stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A row of a night whose reasons are stored."""

    entity_key: str
    score: float
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSeen:
    """A model and its newest published night."""

    model: str
    nights: int
    newest: date | None
    published_at: datetime | None
    open_troubles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A page that was drawn about a run. kind: what it shows, as drift or card. uri: where its file lies."""

    score_date: date
    run_id: int
    kind: str
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """A year of nights of a model, in their order. sent_at: when they were read."""

    model: str
    nights: Sequence[NightSeen]
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(Nights):
    """All that the page of a model shows. Rows are in the order of their nights.

    drift, set_aside, stages: of the last nights only. reports: the newest of each night and kind.
    losses: by each metric to which the tests of versions gave an interval. watched: whether a watcher looked,
    so that `troubles` has what is wrong now.
    """

    measured: Sequence[Measured]
    expected: Sequence[Expected]
    drift: Sequence[ColumnSeen]
    set_aside: Sequence[SetAside]
    stages: Sequence[StageSeen]
    scored: Sequence[Scored]
    roles: Sequence[RoleHeld]
    troubles: Sequence[Trouble]
    reports: Sequence[Report]
    watched: bool
    losses: Sequence[NightLoss] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfNight:
    """All that the page of a night shows beside its run.

    found: of each run of the night. expected: also of the year before it, which is the record of the methods.
    explained: the 50 highest scores of the rows whose reasons are stored.
    """

    measured: Sequence[Measured] = ()
    expected: Sequence[Expected] = ()
    drift: Sequence[ColumnSeen] = ()
    found: Sequence[Found] = ()
    set_aside: Sequence[SetAside] = ()
    stages: Sequence[StageSeen] = ()
    explained: Sequence[Explained] = ()
    reports: Sequence[Report] = ()
