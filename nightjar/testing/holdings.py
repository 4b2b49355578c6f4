"""Lists and removes what runs hold in the stores in memory, as the owner of a real database does."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.upkeep.retention import Holding, Month, Named, Trace, total
from nightjar.testing.expectations import MemoryExpectations
from nightjar.testing.memory import MemoryDriftLedger, MemoryInputProfiles, MemoryNights
from nightjar.testing.readings import MemoryReadings
from nightjar.testing.reasons import MemoryReasons


@dataclass
class MemoryHoldings:
    """Implements `nightjar.core.ports.scores.RunHoldings`. It has no months: nothing is partitioned."""

    store: MemoryNights
    registry: MemoryRegistry
    ledger: MemoryDriftLedger
    profiles: MemoryInputProfiles
    reasons: MemoryReasons = field(default_factory=MemoryReasons)
    readings: MemoryReadings | None = None
    expectations: MemoryExpectations | None = None

    def runs(self) -> tuple[Trace, ...]:
        return self.store.traces()

    def held(self, runs: Sequence[Trace]) -> tuple[Holding, ...]:
        return total(holding for run in runs for holding in self._held(run))

    def named(self) -> tuple[Named, ...]:
        runs = [self.store.run(trace.id) for trace in self.store.traces()]
        populations = [Named(run.population.uri, run.id) for run in runs if run.population is not None]
        return (*self.registry.named(), *self.ledger.named(), *populations)

    def forget(self, run: Trace) -> tuple[Holding, ...] | None:
        held = self._held(run)
        removed = self.store.forget(run)
        if removed is None:
            return None
        self.ledger.forget(run.id)
        self.profiles.forget(run.id)
        self.reasons.forget(run.id)
        if self.readings is not None:
            self.readings.forget(run.id)
        if self.expectations is not None:
            self.expectations.forget(run.id)
        return held

    def months(self) -> tuple[Month, ...]:
        return ()

    def drop(self, month: Month) -> bool:
        raise ValueError(f"there is no month {month.name}")

    def _held(self, run: Trace) -> tuple[Holding, ...]:
        drift = (
            Holding("drift", len(rows), 0)
            for (run_id, _), rows in self.ledger.rows.items()
            if run_id == run.id
        )
        reports = (Holding("report", 1, 0) for report in self.ledger.named() if report.run_id == run.id)
        profiles = (Holding("input_profile", 1, 0) for _ in self.profiles.of(run.id))
        reasons = self.reasons.held(run.id)
        read = () if self.readings is None else self.readings.held(run.id)
        expected = () if self.expectations is None else self.expectations.held(run.id)
        return (*self.store.held(run.id), *total((*profiles, *read, *drift, *expected, *reasons, *reports)))
