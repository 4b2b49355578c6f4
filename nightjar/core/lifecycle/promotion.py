"""Whether a new version becomes champion.

Its gates and the version that reigns decide, and nothing else.
"""

from dataclasses import dataclass

from nightjar.core.errors.model import GateFailed
from nightjar.core.model.entities import Version


@dataclass(frozen=True, slots=True)
class Decision:
    """promote is True if the candidate should become champion.

    `reason` goes into the promotion ledger, or to the person who asks why not.
    """

    promote: bool
    reason: str


def decide(candidate: Version, champion: Version | None) -> Decision:
    """Promote a version whose gates all passed, unless it reigns already.

    A version without any gate has proved nothing and stays.
    """
    if champion is not None and champion.id == candidate.id:
        return Decision(promote=False, reason=f"version {candidate.number} is champion already")
    if not candidate.gates:
        return Decision(promote=False, reason="no gate was judged")
    if failures := failures_of(candidate):
        return Decision(promote=False, reason="; ".join(failures))
    if champion is None:
        return Decision(promote=True, reason="all gates passed; the first champion")
    return Decision(promote=True, reason=f"all gates passed; replaces version {champion.number}")


def require_gates(version: Version) -> None:
    """Raises GateFailed for a version that a person may promote only by saying that its gates don't count."""
    if failures := failures_of(version):
        raise GateFailed(version.model, version.number, failures)


def failures_of(version: Version) -> list[str]:
    return [f"{gate.name}: {gate.reason}" for gate in version.gates if not gate.passed]
