"""Make an earlier version champion again."""

from nightjar.core.errors.night import ReasonMissing
from nightjar.core.lifecycle.roles import CHAMPION
from nightjar.core.model.entities import Promotion, Version
from nightjar.core.ports.registry import Registry
from nightjar.usecases.scoring.scorers import RequireGates


def roll_back_champion(
    registry: Registry, to: Version, reason: str, require_gates: RequireGates
) -> Promotion:
    """Give a version the role of champion, and say in the ledger from which one it was rolled back.

    If it is champion already, nothing changes.
    require_gates: asked of a version that was never champion. One that was has scored nights, and the way
    back to it has to be open in an emergency, whatever the limits are by now.
    Raises ReasonMissing, GateFailed.
    """
    if not reason.strip():
        raise ReasonMissing
    reigned = {row.version_id for row in registry.promotions(to.model) if row.role == CHAMPION}
    if to.id not in reigned:
        require_gates(to)
    before = registry.holder(to.model, CHAMPION)
    told = reason if before is None else f"rolled back from version {before.number}: {reason}"
    return registry.promote(to, CHAMPION, told)
