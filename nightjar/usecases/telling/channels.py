"""Channels take their turns: each is told by one process at a time."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from nightjar.core.ports.telling import Dispatches

C = TypeVar("C")


def tell_each(dispatches: Dispatches, channels: Mapping[str, C], tell: Callable[[str, C], None]) -> None:
    """Tell every channel that no other process tells now. channels: by their names."""
    for name, channel in channels.items():
        with dispatches.alone(name) as ours:
            if ours:
                dispatches.know(name)
                tell(name, channel)
