"""The days of a folder of a partitioned source.

It holds one UTC day, `date=2013-01-01`, or several that were put together, `date=2013-01-01..2013-01-31`.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date

BETWEEN = ".."


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """Days, the first and the last included."""

    first: date
    last: date

    @classmethod
    def of(cls, value: str) -> "Span":
        """value: what a folder's name says after `=`. Raises ValueError."""
        first, _, last = value.partition(BETWEEN)
        return cls(date.fromisoformat(first), date.fromisoformat(last or first))

    def __str__(self) -> str:
        return f"{self.first}{BETWEEN}{self.last}" if self.several else str(self.first)

    @property
    def several(self) -> bool:
        """True for more days than one."""
        return self.first != self.last

    def has(self, day: date) -> bool:
        return self.first <= day <= self.last

    def meets(self, first: date, last: date) -> bool:
        """True if any of its days is one of first..last."""
        return self.first <= last and self.last >= first

    def holds(self, other: "Span") -> bool:
        """True if this is a wider span that has all days of the other one."""
        return self != other and self.first <= other.first and other.last <= self.last


def replaced(found: Iterable[tuple[Hashable, Span]]) -> set[tuple[Hashable, Span]]:
    """Those that a wider span has replaced. Nobody reads them any more.

    found: each file's name without its days, and its days. Only a file of the same name replaces one.
    """
    every = [*found]
    wide = [each for each in every if each[1].several]
    return {(name, span) for name, span in every if any(name == of and by.holds(span) for of, by in wide)}
