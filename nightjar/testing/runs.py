"""Runs that no store holds."""

from typing import Any

from nightjar.core.night.entities import Night, Run, RunState


def claimed(night: Night, **changes: Any) -> Run:
    """The first attempt of a night, as it is right after its claim. changes: fields that differ."""
    facts: dict[str, Any] = {
        **night.model_dump(),
        "id": 1,
        "revision": 1,
        "attempt": 1,
        "state": RunState.CLAIMED,
        "known_at": night.as_of,
        "version_id": 1,
    }
    return Run(**facts | changes)
