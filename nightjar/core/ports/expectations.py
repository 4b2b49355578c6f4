"""What was expected of nights before their outcomes were known."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol

from nightjar.core.monitoring.entities import Expectation


class Expectations(Protocol):
    """Append-only: what was expected first stays."""

    def record(self, expected: Sequence[Expectation]) -> None:
        """Store what was expected of a run, all or none. What is stored already stays as it is."""
        ...

    def expected(self, runs: Collection[int]) -> frozenset[int]:
        """Return the ids of those of some runs of which something is stored."""
        ...

    def of_nights(self, model: str, since: date) -> Sequence[Expectation]:
        """Return what was expected of the runs that analysts see now, from a score date on, by night."""
        ...
