"""What is known when somebody looks for trouble. None everywhere: it could not be found out now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from nightjar.core.errors.base import NightjarError
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.lost import LostDelivery
from nightjar.core.monitoring.losses import TrailingLoss
from nightjar.core.night.plan import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFacts:
    """A night that the schedule has started, that waits for a person, or about which an incident is open.

    promised: when it has to be published; None if that is long past. quarantined: rows of what analysts see
    that were set aside; None if they see nothing. compared: False if its drift is not measured. findings:
    what the audit of its last attempt has against it. owed: False for a night before the model was in
    service, which nobody was promised.
    """

    score_date: date
    promised: datetime | None
    standing: Standing | None
    published_at: datetime | None = None
    rows: int = 0
    quarantined: int = 0
    compared: bool = True
    findings: tuple[Finding, ...] = ()
    owed: bool = True

    @property
    def published(self) -> bool:
        return self.published_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Rows of what analysts see of a night that were set aside, and since when they see it."""

    score_date: date
    published_at: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with something. because: the name of the error or of the check that found it first.

    runbook: of the error; empty if the kind of trouble says it.
    """

    told: str
    because: str
    runbook: str = ""


def fault_of(error: Exception) -> Fault:
    """Of an error that nobody has foreseen not its text: nobody knows what it quotes."""
    if isinstance(error, NightjarError):
        return Fault(error.words, error.because, error.runbook)
    kind = type(error).__name__
    return Fault(f"{kind}; its log says more.", kind, NightjarError.runbook)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why a model cannot be looked at, and since when (UTC)."""

    why: Fault
    since: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, as "Accepted", and for which reason."""

    what: str
    reason: str
    at: datetime

    @property
    def told(self) -> str:
        return f"{self.what}: {self.reason.rstrip('.')}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a model.

    nights: newest first. zone: of its promises. drifted: the columns of the newest compared night that
    drifted, with what is told of each; None if none is compared. set_aside: of published nights that the
    schedule has started, also of those that are too old for `nights`.
    trained_at: when the newest version was registered. trained_on_files: True if there is one, and files that
    have landed are read for it. trainings_due: starts of the schedule of training since then, at most
    MOST_TRAININGS. loss: of the last measured nights; None if they are too few.
    without_outcomes: published nights whose outcomes should be known, and are not. held: days of outcomes
    that wait for a person, with what is odd about them. refused: deliveries that are set aside, of a day the
    one that was recorded last comes last. settled: those that were, and that a good file has replaced or a
    person has cleared; None if no incident is about one. lost: those that have landed, and whose files are
    gone. doubted: published nights, with the findings that did not hold them. doubted_outcomes: days that
    count, with what is odd about them.
    What is not looked at any more, so that nobody can say if it was mended: doubts_too_old, of days of
    outcomes that are not among the newest any more; outcomes_too_old, published nights that still have none;
    nights_too_old, how many published nights there are before those of `set_aside`.
    What people decided: decided_nights, of published nights that have a reason; decided_outcomes, of days of
    outcomes about which an incident is open; promoted, the newest champion.
    """

    model: str
    now: datetime
    zone: str
    nights: tuple[NightFacts, ...] = ()
    max_quarantine_share: float = 1.0
    set_aside: tuple[SetAside, ...] = ()
    drifted: Mapping[str, str] | None = None
    drift_of: date | None = None
    trained_at: datetime | None = None
    trained_on_files: bool = False
    trainings_due: int = 0
    loss: TrailingLoss | None = None
    without_outcomes: tuple[date, ...] = ()
    held: Mapping[date, Fault] = field(default_factory=dict[date, Fault])
    doubted_outcomes: Mapping[date, Fault] = field(default_factory=dict[date, Fault])
    doubted: Mapping[date, tuple[Finding, ...]] = field(default_factory=dict[date, tuple[Finding, ...]])
    refused: tuple[Refusal, ...] | None = None
    settled: frozenset[str] | None = None
    lost: tuple[LostDelivery, ...] | None = None
    doubts_too_old: frozenset[date] = frozenset()
    outcomes_too_old: tuple[date, ...] = ()
    nights_too_old: int = 0
    decided_nights: Mapping[date, Decision] = field(default_factory=dict[date, Decision])
    decided_outcomes: Mapping[date, Decision] = field(default_factory=dict[date, Decision])
    promoted: Decision | None = None


MOST_TRAININGS = 9
"""So many trainings that are missing are counted."""


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """A disk that we write to. free, total: bytes."""

    place: str
    free: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """The data folder. lacking: why there is nothing in it, since `since`; empty if there is something.

    needed: True if something must be in it: versions were trained on it, and it is on the watcher's machine.
    """

    place: str
    lacking: str
    since: datetime | None
    needed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFacts:
    """What is known of the platform.

    disks: those of the home and of the data folder. data: None if nobody has looked. database_bytes,
    database_limit: size, and the size that an operator allows; None without a limit. notifications: share of
    the queue of NOTIFY that is in use. server_silent_since: since when the Prefect server does not answer;
    None if it answers, or if there is none. workers: why no worker takes runs; nothing if one does, None if
    nobody could say. workerless_since: since when none does; None if one does. untold: channel -> since when
    something waits to be told there. channels: those that are set up; None if nobody asked. broken: model ->
    why its folder cannot be used. folders: the models that have one. unseen: model -> why nobody can look at
    it, though its folder can be used.
    """

    now: datetime
    disks: tuple[DiskFacts, ...] = ()
    data: DataFacts | None = None
    database_bytes: int = 0
    database_limit: int | None = None
    notifications: float = 0.0
    server_silent_since: datetime | None = None
    workers: tuple[Fault, ...] | None = None
    workerless_since: datetime | None = None
    untold: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    channels: frozenset[str] | None = None
    broken: Mapping[str, Fault] = field(default_factory=dict[str, Fault])
    folders: frozenset[str] = frozenset()
    unseen: Mapping[str, Unseen] = field(default_factory=dict[str, Unseen])
