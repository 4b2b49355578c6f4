"""These values describe a published night: its drift, what was expected of it, and its measurements."""

from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime, Field

from nightjar.core.kinds.metrics import Intervals, Metrics
from nightjar.core.monitoring.foreseen import Method
from nightjar.core.values import Value


class ColumnDrift(Value):
    """One column of one night, and whether it has drifted.

    value: the distance. It is None where it cannot be measured; `note` says why. measure: what the distance
    measures. expected: the usual distance of past nights. threshold: above it the column counts as drifted.
    rate: how often an ordinary night reaches the value. finding: the name of what is told of the column, an
    alarm if `drifted`; None for nothing. psi: the distance from the training sample.
    """

    column: str
    method: str
    value: float | None
    threshold: float | None
    drifted: bool
    null_share: float
    reference_null_share: float
    note: str | None = None
    finding: str | None = None
    measure: str | None = None
    expected: float | None = None
    rate: float | None = None
    psi: float | None = None


class Role(StrEnum):
    """Whose scores were measured, and on which rows of the night."""

    CHAMPION = "champion"
    """On all scored rows, as they were published: those of its arm by the challenger."""
    CHALLENGER = "challenger"
    """On the rows that both scored."""
    BESIDE = "champion beside challenger"
    """The champion on the rows that both scored."""
    CHALLENGER_ARM = "challenger arm"
    """On the rows that it served, of those that both scored."""
    CHAMPION_ARM = "champion arm"
    """The same, of the champion."""


class Measurement(Value):
    """Some rows of a published night, or of the nights that trail to it, when their outcomes were known.

    slice, slice_value: name of the slice and its value; empty for all rows. occasions: 1 for the night alone;
    else the length of the window that ends with it. nights: those in the window that have rows here.
    supported: False for a slice with fewer rows with an outcome than the spec asks for. Nobody is shown it;
    trailing nights are made of it.
    rows: scored rows, with_outcome: those with a known outcome. metrics: those of the model that are measured
    for every night. intervals: of these, at 95% confidence, where they are known. measured_at: outcomes
    known by this instant (UTC) were counted. deliveries: of a whole night, what was there to read, as
    `nightjar.core.monitoring.due.deliveries_of` tells it; else None.
    """

    run_id: int
    model: str
    score_date: date
    version_id: int
    challenger_id: int | None = None
    role: Role = Role.CHAMPION
    slice: str = ""
    slice_value: str = ""
    occasions: int = 1
    nights: int = 1
    supported: bool = True
    rows: int
    with_outcome: int
    metrics: Metrics
    intervals: Intervals = Field(default_factory=dict[str, tuple[float, float]])
    measured_at: AwareDatetime
    deliveries: str | None = None

    @property
    def of(self) -> tuple[int, Role, str, str, int]:
        """What it is a measurement of: a later one of the same restates it."""
        return self.run_id, self.role, self.slice, self.slice_value, self.occasions

    def same_as(self, other: "Measurement | None") -> bool:
        """True if it says nothing but what another one said before."""
        return other is not None and self.model_copy(update={"measured_at": other.measured_at}) == other


class Basis(StrEnum):
    """The rows on which two versions of a night are compared."""

    ROWS = "rows"
    """Both on each row that both scored. Stronger, and wrong where a score changes the outcome."""
    ARMS = "arms"
    """Each on the rows that it served, of those that both scored."""


class NightComparison(Value):
    """Champion and challenger of a published night.

    rows, with_outcome: those of the champion. challenger_rows, challenger_with_outcome: those of the
    challenger, which are the same by `Basis.ROWS`. champion, challenger: the metrics of the model's kind that
    are measured for every night. share: of the entities that the challenger served. measured_at: the instant
    at which these outcomes were known (UTC).
    """

    run_id: int
    model: str
    score_date: date
    version_id: int
    challenger_id: int
    basis: Basis = Basis.ROWS
    share: float = 0
    rows: int
    with_outcome: int
    challenger_rows: int
    challenger_with_outcome: int
    champion: Metrics
    challenger: Metrics
    measured_at: AwareDatetime


class Expectation(Value):
    """What was expected of a metric of a published night, by the outcomes that were known on its evening.

    value: None where the method says nothing; note says why. rows: past rows with an outcome that it was
    learned from. effective_rows: how many rows of equal weight say as much. nights: of which these rows are.
    known_at: outcomes recorded by this instant (UTC) were counted.
    """

    run_id: int
    model: str
    score_date: date
    method: Method
    metric: str
    value: float | None
    note: str | None = None
    rows: int
    effective_rows: float
    nights: int
    known_at: AwareDatetime
