"""Which version scores a night of the past: one that could have scored it then.

A version that was trained later has seen outcomes that nobody knew on that evening.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from nightjar.core.lifecycle.roles import holder_of
from nightjar.core.model.entities import Promotion


def of_then(
    ledger: Sequence[Promotion], role: str, as_of: datetime, known_at: Mapping[int, datetime]
) -> int | None:
    """Return the id of the version that scores a night in a role, or None if none could have.

    It is the version that held the role at the night's as-of. If none held it by then, it is the one that got
    the role last of those whose data was known by then: so a night before the first promotion is scored, and
    a night of a recorded past.
    ledger: newest first. known_at: version id -> the instant up to which its data was known.
    """
    reigned = [(row.version_id, row.role) for row in ledger if row.promoted_at <= as_of]
    honest = [(row.version_id, row.role) for row in ledger if known_at[row.version_id] <= as_of]
    return holder_of(role, reigned) or holder_of(role, honest)
