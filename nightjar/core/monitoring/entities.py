"""These values describe a published night afterwards: its drift and its measurements."""

from datetime import date

from pydantic import AwareDatetime

from nightjar.core.kinds.metrics import Metrics
from nightjar.core.values import Value


class ColumnDrift(Value):
    """One column of one night against the training sample.

    PSI is None where it cannot be computed; `note` says why.
    """

    column: str
    method: str
    value: float | None
    threshold: float | None
    drifted: bool
    null_share: float
    reference_null_share: float
    note: str | None = None


class NightPerformance(Value):
    """The measurement of a published night when its outcomes were known.

    metrics: the metrics of the model's kind that are measured for every night.
    """

    run_id: int
    model: str
    score_date: date
    rows: int
    with_outcome: int
    metrics: Metrics
    measured_at: AwareDatetime


class NightComparison(Value):
    """Champion and challenger of a published night on the rows that both scored.

    rows: of these. champion, challenger: the metrics of the model's kind that are measured for every night.
    measured_at: the instant at which these outcomes were known (UTC).
    """

    run_id: int
    model: str
    score_date: date
    version_id: int
    challenger_id: int
    rows: int
    with_outcome: int
    champion: Metrics
    challenger: Metrics
    measured_at: AwareDatetime
