"""What a person decides about a version: its role, what it serves, or that it is no longer challenger."""

from enum import StrEnum

from nightjar.core.errors.model import ArtifactBroken, GateFailed
from nightjar.core.errors.settings import BadSettings
from nightjar.core.lifecycle.arms import share_of
from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION, WITHDRAWN
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.artifacts import Artifacts
from nightjar.core.ports.registry import Registry
from nightjar.usecases.lifecycle.todays_gates import require_todays_gates
from nightjar.usecases.scoring.scorers import version_of


class Decided(StrEnum):
    """What a version becomes."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    WITHDRAWN = "withdrawn"


def decide_by_hand(
    spec: ModelSpec,
    registry: Registry,
    artifacts: Artifacts,
    number: int,
    decided: Decided,
    reason: str,
    *,
    despite_gates: bool = False,
) -> str:
    """Carry out a person's decision, and return what is so now, in words.

    Raises NoVersion. Raises BadSettings for a champion that shall be challenger, and for the withdrawal of a
    version that is not challenger. Raises GateFailed.
    """
    version = version_of(registry, spec.name, number)
    if decided is Decided.WITHDRAWN:
        _withdraw(registry, version, reason)
        return f"{spec.name} version {number} is no longer challenger"
    overruled = ""
    if decided is Decided.CHAMPION:
        overruled = _overruled(spec, version, artifacts, despite_gates=despite_gates)
    if decided is Decided.CHALLENGER and registry.holder(spec.name, CHAMPION) == version:
        raise BadSettings(f"{spec.name} version {number} is champion", "Name another version.")
    registry.promote(version, decided, reason)
    return f"{spec.name} version {number} is {decided}{overruled}"


def serve_by_hand(
    spec: ModelSpec,
    registry: Registry,
    artifacts: Artifacts,
    number: int,
    share: float,
    reason: str,
    *,
    despite_gates: bool = False,
) -> str:
    """Let the challenger serve another share of the entities, and return what is so now, in words.

    share: in [0, 1]. Raises NoVersion, GateFailed. Raises BadSettings for a version that is not challenger.
    """
    version = version_of(registry, spec.name, number)
    overruled = _overruled(spec, version, artifacts, despite_gates=despite_gates) if share > 0 else ""
    champion, before = registry.holder(spec.name, CHAMPION), share_of(registry.promotions(spec.name))
    told = (
        f"{spec.name} version {number} serves {share:.3g} of the entities from the next night on{overruled}"
    )
    if share == before and registry.holder(spec.name, CHALLENGER) == version:
        return told
    if champion is None or registry.set_share(version, champion, share, reason, instead_of=before) is None:
        raise _not_challenger(registry, version)
    return told


def _overruled(spec: ModelSpec, version: Version, artifacts: Artifacts, *, despite_gates: bool) -> str:
    """What a decision sets aside, in words. Raises GateFailed, ArtifactBroken if it may set nothing aside."""
    try:
        require_todays_gates(spec, version, artifacts)
    except (GateFailed, ArtifactBroken) as error:
        if not despite_gates:
            raise
        if isinstance(error, GateFailed):
            return f", although it did not pass its gates: {'; '.join(error.failures)}"
        return ", although what was measured of it cannot be read"
    return ""


def _withdraw(registry: Registry, version: Version, reason: str) -> None:
    champion = registry.holder(version.model, CHAMPION)
    if champion is None or registry.end_challenge(version, champion, WITHDRAWN, reason) is None:
        raise _not_challenger(registry, version)


def _not_challenger(registry: Registry, version: Version) -> BadSettings:
    held = registry.holder(version.model, CHALLENGER)
    told = "There is none." if held is None else f"Version {held.number} is."
    return BadSettings(f"{version.model} version {version.number} is not challenger", told)
