"""What became of the days of outcomes: checked, held, accepted or refused."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

from nightjar.core.monitoring.outcome_guard import CheckedDelivery, Held, OutcomeCheck
from nightjar.core.monitoring.outcome_looks import OutcomeDay


class OutcomeChecks(Protocol):
    """The newest verdict of a model on a delivery counts. What is asked for often is small."""

    def add(self, checks: Sequence[OutcomeCheck]) -> None:
        """Add verdicts, all or none. Earlier ones stay."""
        ...

    def deliveries(self, model: str) -> tuple[CheckedDelivery, ...]:
        """Return the verdict of a model on each delivery, by dataset, day and instant."""
        ...

    def undecided(self, model: str) -> tuple[OutcomeCheck, ...]:
        """Return the verdicts UNDECIDED of a model, by dataset, day and instant."""
        ...

    def decided(self, model: str, days: Collection[date]) -> tuple[OutcomeCheck, ...]:
        """Return the verdicts of a model on these days that a person gave."""
        ...

    def looks(self, model: str, dataset: str, days: Collection[date]) -> Mapping[date, OutcomeDay]:
        """Return what these days look like by the newest delivery of each that counts."""
        ...

    def held(self, dataset: str) -> Held:
        """Return the deliveries of a dataset that do not count, or not yet, by the checks of all models."""
        ...
