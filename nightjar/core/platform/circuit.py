"""A deployment's schedule is paused when a number of its runs in a row failed or crashed."""

from collections.abc import Sequence

OPENED = "nightjar.circuit.opened"
"""The event that is sent when a circuit opens. An automation then notifies a person."""

NOTHING = frozenset({"FAILED", "CRASHED"})
DECISIVE = (*sorted(NOTHING), "COMPLETED")
"""Types of the states that count. A run that a person cancelled says nothing about the deployment."""


def opens(ends: Sequence[str], limit: int) -> bool:
    """True if the newest `limit` runs all failed or crashed.

    ends: the type of each ended run's final state, newest first. A run counts once, even if it was retried.
    Only DECISIVE types are given. The result is False if one of the newest runs succeeded, or if there were
    fewer runs than `limit`.
    """
    newest = ends[:limit]
    return len(newest) == limit and NOTHING.issuperset(newest)
