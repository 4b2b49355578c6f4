"""Readings, sampled rows and findings of runs in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from nightjar.core.errors.night import ClaimLost
from nightjar.core.inputs.findings import Finding
from nightjar.core.night.entities import Publication, Run, RunState
from nightjar.core.upkeep.retention import Holding
from nightjar.testing.memory import MemoryNights


@dataclass
class MemoryReadings:
    """Implements the port `Readings` beside a score store in memory."""

    store: MemoryNights
    read: dict[int, pl.DataFrame] = field(default_factory=dict[int, pl.DataFrame])
    rows: dict[int, pl.DataFrame] = field(default_factory=dict[int, pl.DataFrame])
    found: dict[tuple[int, int], tuple[Finding, ...]] = field(
        default_factory=dict[tuple[int, int], tuple[Finding, ...]]
    )

    def record(self, run: Run, readings: pl.DataFrame, sample: pl.DataFrame) -> None:
        self._hold(run)
        self.read.setdefault(run.id, readings)
        self.rows.setdefault(run.id, sample)

    def record_findings(self, run: Run, findings: Sequence[Finding]) -> None:
        if findings:
            self._hold(run)
            self.found.setdefault((run.id, run.attempt), tuple(findings))

    def findings(self, run: Run) -> Sequence[Finding]:
        return self.found.get((run.id, run.attempt), ())

    def doubts(self, model: str) -> Mapping[date, tuple[Finding, ...]]:
        seen = [night for night in self.store.published(model) if not night.findings]
        told = {
            night.score_date: tuple(
                finding for finding in self.findings(self.store.run(night.run_id)) if not finding.holds
            )
            for night in seen
        }
        return {day: doubts for day, doubts in told.items() if doubts}

    def published(self, model: str, before: date, most: int) -> Mapping[date, bool]:
        nights = [night for night in self._before(model, before) if night.run_id in self.read]
        return {night.score_date: bool(night.findings) for night in nights[:most]}

    def of_nights(self, model: str, nights: Collection[date]) -> Mapping[date, pl.DataFrame]:
        return {
            night.score_date: self.read[night.run_id]
            for night in self.store.published(model)
            if night.score_date in nights and night.run_id in self.read
        }

    def samples(self, model: str, before: date, most: int) -> Mapping[date, pl.DataFrame]:
        nights = [night for night in self._before(model, before) if night.run_id in self.rows]
        return {night.score_date: self.rows[night.run_id] for night in nights[:most]}

    def forget(self, run_id: int) -> None:
        self.read.pop(run_id, None)
        self.rows.pop(run_id, None)
        self.found = {key: found for key, found in self.found.items() if key[0] != run_id}

    def held(self, run_id: int) -> tuple[Holding, ...]:
        findings = sum(len(found) for (run, _), found in self.found.items() if run == run_id)
        return (
            *(
                Holding("reading", 1, 0)
                for _ in self.read.get(run_id, pl.DataFrame({"name": []}))["name"].unique()
            ),
            *(Holding("audited_rows", 1, 0) for run in self.rows if run == run_id),
            *(Holding("finding", 1, 0) for _ in range(findings)),
        )

    def _before(self, model: str, before: date) -> list[Publication]:
        return [night for night in reversed(self.store.published(model)) if night.score_date < before]

    def _hold(self, run: Run) -> None:
        stored = self.store.run(run.id)
        if (stored.attempt, stored.state) != (run.attempt, RunState.CLAIMED):
            raise ClaimLost(run.model, run.score_date, run.id)
