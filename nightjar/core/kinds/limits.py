"""A model's spec sets limits. The model's kind defines their names and the range of each."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self


class Limits(Mapping[str, float]):
    """Limits by name, given as keywords: `Limits(min_auc=0.6)`.

    They are never changed in place; `limits | {"min_auc": 0.7}` gives changed ones.
    """

    __slots__ = ("_limits",)

    def __init__(self, **limits: float) -> None:
        self._limits = limits

    def __getitem__(self, name: str) -> float:
        return self._limits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)

    def __or__(self, changes: Mapping[str, float]) -> Self:
        return type(self)(**{**self._limits, **changes})

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{name}={limit!r}' for name, limit in self._limits.items())})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that a spec has to set: a finite number from `low` to `high`."""

    name: str
    low: float
    high: float

    def fault(self, value: object) -> str | None:
        """Say what is wrong with a value for the limit, or return None."""
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and self.low <= value <= self.high
        ):
            return None
        return f"is {value!r}: it must be a number {span(self.low, self.high)}"


def limit_faults(
    field: str, limits: Mapping[str, object], known: Iterable[Limit], kind: str
) -> Iterator[tuple[str, str]]:
    """Yield each limit with a fault, and the fault: an unknown name, a missing limit, or a wrong value."""
    by_name = {limit.name: limit for limit in known}
    for name in sorted({*limits} - {*by_name}):
        yield f"{field}.{name}", f"is no limit of the kind {kind!r}, which has {', '.join(by_name)}"
    for name in (name for name in by_name if name not in limits):
        yield f"{field}.{name}", f"is lacking: a model of the kind {kind!r} must set it"
    for name, limit in by_name.items():
        if name in limits and (fault := limit.fault(limits[name])):
            yield f"{field}.{name}", fault


def span(low: float, high: float) -> str:
    """Return bounds in words: `from 0 to 1`, `from 0 on`, `up to 1`. Infinite bounds are left out."""
    if math.isinf(low) and math.isinf(high):
        return "that is finite"
    if math.isinf(high):
        return f"from {low:g} on"
    return f"up to {high:g}" if math.isinf(low) else f"from {low:g} to {high:g}"
