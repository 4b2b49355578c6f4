"""What became of a published night: drift and measurements."""

from datetime import date

from pydantic import AwareDatetime

from nightjar.core.values import Value


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
