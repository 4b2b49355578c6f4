"""These values describe a model's life: dataset, candidate, version, promotion."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.gates import GateResult
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.metrics import MetricRow, Of, read_rows, value_of
from nightjar.core.model.record import Record
from nightjar.core.values import Sha256, Value


class Dataset(Value):
    """A training snapshot: mature outcomes of [first_date, last_date], with features.

    The features are those known at each date's own as-of.
    """

    id: int
    model: str
    sha256: Sha256
    uri: str
    rows: int
    first_date: date
    last_date: date
    known_at: AwareDatetime


class Candidate(Value):
    """A trained model before it is registered.

    artifact_sha256: the hash of the stored bytes. metrics: from unseen dates; gates: judged by them. Those of
    a refit are those of the version that was judged.
    """

    model: str
    kind: str = BINARY.name
    """Name of the kind (nightjar/core/kinds) that says what its scores and their metrics mean."""
    classes: tuple[str, ...] = ()
    """Names of its classes, in the order of their numbers, if its kind has classes."""
    outputs: tuple[str, ...] = ()
    """Names of the numbers that it gives beside the score."""
    calibration: tuple[float, ...] = ()
    """Numbers that its kind needs to make its outputs, as the reach of an interval."""
    algorithm: str
    dataset_id: int
    artifact_uri: str
    artifact_sha256: Sha256
    reference_uri: str
    """A sample of training rows (features and scores) as Parquet. Drift is measured against it."""
    params: Mapping[str, Any]
    metrics: Annotated[tuple[MetricRow, ...], BeforeValidator(read_rows)]
    gates: tuple[GateResult, ...]
    evidence_uri: str | None = None
    """All that was measured of it (nightjar/core/lifecycle/evidence.py). Older versions have none."""
    evidence_sha256: Sha256 | None = None
    golden_uri: str | None = None
    """Unseen rows with what it gave for them (nightjar/core/lifecycle/golden.py), if it is not older."""
    golden_sha256: Sha256 | None = None
    record: Record | None = None
    """What it was made of. Older versions have none."""
    code_version: str
    trained_through: date
    """Last date whose outcomes the model has seen. Scores of that date or earlier are in-sample."""
    refit_of: int | None = None
    """Number of the version whose recipe it fits on all that is known. None: it was judged itself."""

    def is_of(self, kind: Kind) -> bool:
        """True if its scores mean what those of a kind mean, with the same classes."""
        return (self.kind, self.classes) == (kind.name, kind.classes)

    def has_seen(self, score_date: date) -> bool:
        """True if it may have been trained on the outcomes of a date."""
        return score_date <= self.trained_through

    def interval(self, name: str) -> tuple[float | None, float | None]:
        """Low and high of a metric of its own at 95% confidence. None where they are not known."""
        own = (row for row in self.metrics if (row.metric, row.of) == (name, Of.VERSION))
        return next(((row.low, row.high) for row in own), (None, None))

    def metric(self, name: str, of: Of = Of.VERSION) -> float | None:
        """Return a measured number, or None if it is not defined."""
        return value_of(self.metrics, name, of)


class Version(Candidate):
    """A registered candidate: `number` counts from 1 within its model."""

    id: int
    number: int
    created_at: AwareDatetime


class Promotion(Value):
    """A row of the append-only promotion ledger.

    From `promoted_at` on, the version holds `role` (champion, challenger). withdrawn: it is no longer
    challenger. share: of the entities that a challenger serves; 0 if it scores in shadow. actor: the database
    user that promoted it.
    """

    id: int
    model: str
    version_id: int
    version_number: int
    role: str
    share: float = 0
    reason: str
    actor: str
    promoted_at: AwareDatetime
