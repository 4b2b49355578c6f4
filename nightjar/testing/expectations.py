"""What was expected of nights, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

from nightjar.core.monitoring.entities import Expectation
from nightjar.core.upkeep.retention import Holding
from nightjar.testing.memory import MemoryNights


@dataclass
class MemoryExpectations:
    """Implements the port `Expectations` beside a store of nights in memory."""

    store: MemoryNights
    _kept: dict[tuple[int, str, str], Expectation] = field(
        default_factory=dict[tuple[int, str, str], Expectation]
    )

    def record(self, expected: Sequence[Expectation]) -> None:
        for one in expected:
            self._kept.setdefault((one.run_id, one.method, one.metric), one)

    def expected(self, runs: Collection[int]) -> frozenset[int]:
        return frozenset(one.run_id for one in self._kept.values() if one.run_id in runs)

    def of_nights(self, model: str, since: date) -> Sequence[Expectation]:
        current = {night.run_id for night in self.store.published(model) if night.score_date >= since}
        found = [one for one in self._kept.values() if one.run_id in current]
        return sorted(found, key=lambda one: (one.score_date, one.metric, one.method))

    def held(self, run_id: int) -> tuple[Holding, ...]:
        rows = sum(one.run_id == run_id for one in self._kept.values())
        return (Holding("expectation", rows, 0),) if rows else ()

    def forget(self, run_id: int) -> None:
        self._kept = {key: one for key, one in self._kept.items() if one.run_id != run_id}
