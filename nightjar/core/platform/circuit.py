"""When a deployment's schedule is paused: so many of its runs in a row came to nothing."""

from collections.abc import Sequence

OPENED = "nightjar.circuit.opened"
"""The event that a broken circuit sends; an automation tells a person."""

NOTHING = frozenset({"FAILED", "CRASHED"})
DECISIVE = (*sorted(NOTHING), "COMPLETED")
"""Types of the states that count. A run that a person cancelled says nothing about the deployment."""


def opens(ends: Sequence[str], limit: int) -> bool:
    """Whether the newest `limit` runs all came to nothing.

    ends: the type of each ended run's final state, newest first, one a run however often it was retried; only
    DECISIVE ones. One success among the newest resets the count, and so does having run less often than
    `limit`.
    """
    newest = ends[:limit]
    return len(newest) == limit and NOTHING.issuperset(newest)
