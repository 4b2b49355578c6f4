"""A new version becomes champion, or not.

Only its gates and the current champion decide.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nightjar.core.errors.model import GateFailed, Unpromoted
from nightjar.core.kinds.gates import Verdict
from nightjar.core.lifecycle.evidence import Evidence
from nightjar.core.lifecycle.gates import judged_by
from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION, WITHDRAWN
from nightjar.core.model.entities import Promotion, Version
from nightjar.core.model.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision whether a candidate becomes champion.

    promote: True if it should get `role`. reason: the promotion ledger stores it; if promote is False, people
    see it.
    """

    promote: bool
    reason: str
    role: str = CHAMPION

    @property
    def told(self) -> str:
        if not self.promote:
            return f"not promoted: {self.reason}"
        return f"{'promoted' if self.role == CHAMPION else self.role}: {self.reason}"


def decide(candidate: Version, champion: Version | None) -> Decision:
    """Promote a version whose gates all passed, unless it is already champion.

    A version without gates has proved nothing and is not promoted. One of which a gate cannot tell, or asks a
    person, is held: a person may promote it.
    """
    if champion is not None and champion.id == candidate.id:
        return Decision(promote=False, reason=f"version {candidate.number} is champion already")
    if not candidate.gates:
        return Decision(promote=False, reason="no gate was judged")
    if failures := failures_of(candidate):
        return Decision(promote=False, reason="; ".join(failures))
    if doubts := doubts_of(candidate):
        return Decision(promote=False, reason="held for a person: " + "; ".join(doubts))
    if champion is None:
        return Decision(promote=True, reason="all gates passed; the first champion")
    return Decision(promote=True, reason=f"all gates passed; replaces version {champion.number}")


def not_again(decision: Decision, candidate: Version, ledger: Iterable[Promotion]) -> Decision:
    """Promote no version that was champion and is not any more: a person, or a newer version, replaced it.

    A training on the same data makes the same version, also after a rollback.
    """
    if decision.promote and any(row.role == CHAMPION and row.version_id == candidate.id for row in ledger):
        reason = f"version {candidate.number} was champion before and was replaced"
        return Decision(promote=False, reason=reason)
    return decision


def outdated(judged_beside: Version | None, champion: Version | None) -> Decision:
    """The decision about a version in whose training time the roles changed.

    judged_beside: the champion that it was judged beside. champion: that of now. If they are the same,
    another version became challenger.
    """
    if judged_beside == champion:
        return Decision(promote=False, reason="another version became challenger meanwhile")
    then = "no champion" if judged_beside is None else f"version {judged_beside.number}"
    now = "no version" if champion is None else f"version {champion.number}"
    reason = f"it was judged beside {then}, and {now} became champion meanwhile"
    return Decision(promote=False, reason=reason)


def in_shadow_first(
    decision: Decision,
    candidate: Version,
    champion: Version | None,
    challenger: Version | None,
    ledger: Iterable[Promotion],
) -> Decision:
    """Make a version that would replace a champion its challenger. A version that was withdrawn stays that.

    A challenger is not replaced by a newer version: its nights would be lost, and with a retraining each week
    none would ever be found to be better.
    """
    if not decision.promote or champion is None:
        return decision
    if any(row.role == WITHDRAWN and row.version_id == candidate.id for row in ledger):
        return Decision(promote=False, reason=f"version {candidate.number} was withdrawn as challenger")
    if challenger is not None:
        return Decision(promote=False, reason=f"version {challenger.number} is challenger, and stays that")
    beside = f"all gates passed; scores in shadow beside version {champion.number}"
    return Decision(promote=True, reason=beside, role=CHALLENGER)


def by_limits_of(spec: ModelSpec, version: Version, evidence: Evidence | None) -> Version:
    """Return the version with its gates judged by the limits that the spec has now, on what was measured.

    A version without evidence, of before there was any, keeps its verdicts.
    """
    if evidence is None:
        return version
    return version.model_copy(update={"gates": judged_by(spec, evidence)})


def require_gates(version: Version) -> None:
    """Raises GateFailed for a version that failed gates.

    A person may promote such a version only by an explicit choice to ignore its gates. A reason is enough for
    one that is held.
    """
    if failures := failures_of(version):
        raise GateFailed(version.model, version.number, failures)


def unpromoted(version: Version) -> Unpromoted:
    """Why a version waits for a person, by its gates at its registration."""
    stopped = [f"{gate.name} ({gate.verdict})" for gate in version.gates if not gate.passed]
    if stopped:
        why = f"these of its gates did not pass: {', '.join(stopped)}"
    else:
        why = (
            "all its gates passed, and it was not promoted"
            if version.gates
            else "none of its gates was judged"
        )
    return Unpromoted(version.number, version.created_at, why, failed=bool(failures_of(version)))


def failures_of(version: Version) -> list[str]:
    return [f"{gate.name}: {gate.reason}" for gate in version.gates if gate.verdict is Verdict.FAILED]


def doubts_of(version: Version) -> list[str]:
    held = (Verdict.CANNOT_TELL, Verdict.ASKS)
    return [f"{gate.name}: {gate.verdict}: {gate.reason}" for gate in version.gates if gate.verdict in held]
