"""What became of a published night: drift and measurements."""

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
    """How a published night did once its outcomes were known.

    metrics: those of the model's kind that every night is measured by.
    """

    run_id: int
    model: str
    score_date: date
    rows: int
    with_outcome: int
    metrics: Metrics
    measured_at: AwareDatetime
