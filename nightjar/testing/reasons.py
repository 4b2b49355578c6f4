"""The reasons of published scores in memory, with the contract of those in Postgres."""

from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from nightjar.core.explaining.reasons import REASONS
from nightjar.core.night.entities import Run
from nightjar.core.upkeep.retention import Holding


@dataclass
class MemoryReasons:
    """Implements the port `ReasonLedger`. notes: run -> why it has no reasons, if it says so."""

    notes: dict[int, str | None] = field(default_factory=dict[int, str | None])
    _kept: dict[int, pl.DataFrame] = field(default_factory=dict[int, pl.DataFrame])

    def record(self, run: Run, reasons: pl.DataFrame, note: str | None = None) -> None:
        if run.id not in self._kept:
            self._kept[run.id], self.notes[run.id] = reasons, note

    def explained(self, runs: Collection[int]) -> frozenset[int]:
        return frozenset(runs) & self._kept.keys()

    def held(self, run_id: int) -> tuple[Holding, ...]:
        """Return what a run has, by table."""
        if run_id not in self._kept:
            return ()
        return Holding("reason", self._kept[run_id].height, 0), Holding("explanation", 1, 0)

    def forget(self, run_id: int) -> None:
        for kept in (self._kept, self.notes):
            kept.pop(run_id, None)

    def reasons(self, run: Run) -> pl.DataFrame:
        return self._kept.get(run.id, pl.DataFrame(schema=REASONS)).sort("entity_key", "rank")
