"""What became of the days of outcomes: checked, held, accepted or refused."""

from collections.abc import Sequence
from typing import Protocol

from nightjar.core.monitoring.outcome_guard import Held, OutcomeCheck


class OutcomeChecks(Protocol):
    def add(self, checks: Sequence[OutcomeCheck]) -> None:
        """Add verdicts, all or none. Earlier ones stay."""
        ...

    def newest(self, model: str) -> tuple[OutcomeCheck, ...]:
        """Return the newest verdict of a model on each delivery, by dataset, day and instant."""
        ...

    def held(self, dataset: str) -> Held:
        """Return the deliveries of a dataset that do not count, or not yet, by the checks of all models."""
        ...
