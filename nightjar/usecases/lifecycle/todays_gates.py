"""Hold a version that a person chooses to its gates, by the limits that the spec has today."""

from nightjar.core.lifecycle.promotion import by_limits_of, require_gates
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.artifacts import Artifacts
from nightjar.usecases.lifecycle.documents import read_evidence


def require_todays_gates(spec: ModelSpec, version: Version, artifacts: Artifacts) -> None:
    """Raises GateFailed for a version that fails a gate by what was measured of it. Raises ArtifactBroken."""
    require_gates(by_limits_of(spec, version, read_evidence(version, artifacts)))
