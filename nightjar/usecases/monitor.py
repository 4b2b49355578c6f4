"""What became of a night: drift against the training sample, a report to open, and performance once outcomes are known."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from nightjar.core.drift import night_drift
from nightjar.core.entities import ColumnDrift, NightPerformance, Publication, Run
from nightjar.core.measured import outcome_days, outdated
from nightjar.core.night import file_days, key_is_storable
from nightjar.core.performance import measure
from nightjar.core.ports import Artifacts, DriftLedger, Outcomes, RawStore, Registry, ReportWriter, ScoreStore
from nightjar.core.spec import ModelSpec
from nightjar.core.training_set import last_mature_date

SAMPLE_ROWS = 50_000
"""Evidently takes minutes and a gigabyte for a million rows, and a sample of this size decides the same."""


class NightFeatures(Protocol):
    """The part of the scoring use case that monitoring looks through: the very rows and features that were scored."""

    def population(self, run: Run) -> pl.DataFrame: ...

    def features_of(self, run: Run, population: pl.DataFrame) -> pl.DataFrame: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchNight:
    spec: ModelSpec
    raw: RawStore
    artifacts: Artifacts
    registry: Registry
    store: ScoreStore
    outcomes: Outcomes
    ledger: DriftLedger
    writer: ReportWriter
    night: NightFeatures

    def drift(self, run: Run) -> tuple[ColumnDrift, ...]:
        """Measure each input column and the score against the training sample, and keep the rows. Cheap: no report is drawn."""
        return self._measured(run, self._scored(run), self._reference(run))

    def report(self, run: Run) -> tuple[str, tuple[ColumnDrift, ...]]:
        """Measure drift, draw the HTML report, keep both; return the report's uri and our columns."""
        scored, reference = self._scored(run), self._reference(run)
        columns = self._measured(run, scored, reference)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "drift.html"
            drawn = self.writer.draw(self.spec, run, scored, reference, columns, file)
            uri, _ = self.artifacts.put("report", file)
        self.ledger.record_drift(run, drawn)
        self.ledger.record_report(run, "drift", uri)
        return uri, columns

    def _measured(self, run: Run, scored: pl.DataFrame, reference: pl.DataFrame) -> tuple[ColumnDrift, ...]:
        columns = night_drift(scored, reference, categorical=self.spec.categorical, numeric=(*self.spec.numeric, "score"))
        self.ledger.record_drift(run, columns)
        return columns

    def outcomes_known(self, known_at: datetime) -> tuple[NightPerformance, ...]:
        """Load the outcomes recorded by `known_at` of published nights; give the newest measurement of each, by score date.

        Only those nights are measured again about which more is known than their measurement holds.
        """
        last = last_mature_date(self.spec, known_at)
        nights = [night for night in self.store.published(self.spec.name) if night.score_date <= last]
        kept = {performance.run_id: performance for performance in self.outcomes.performances(self.spec.name)}
        recorded = self.raw.recorded(self.spec.outcome_dataset)
        due = tuple(outdated(nights, kept, recorded, known_at, self.spec.maturity_days, self._file_days))
        self._record_outcomes([night.score_date for night in due], known_at)
        kept |= {night.run_id: self._performance(night, known_at) for night in due}
        return tuple(kept[night.run_id] for night in nights)

    def _record_outcomes(self, dates: Sequence[date], known_at: datetime) -> None:
        if not dates:
            return
        dataset = self.spec.dataset(self.spec.outcome_dataset)
        days = [day for night in dates for day in outcome_days(night, self.spec.maturity_days, self._file_days)]
        raw = {dataset.name: self.raw.read(dataset, min(days), max(days), known_at=known_at)}
        of_nights = pl.col("score_date").is_in(dates) & key_is_storable()  # what bears no key that can be stored was never scored
        self.outcomes.record(self.spec.name, self.spec.outcomes(raw).filter(of_nights))

    def _file_days(self, score_date: date) -> tuple[date, date]:
        return file_days(self.spec.dataset(self.spec.outcome_dataset), self.spec.time_zone, score_date)

    def _performance(self, publication: Publication, known_at: datetime) -> NightPerformance:
        score_date = publication.score_date
        rows = self.outcomes.scored(self.spec.name, score_date)
        known = rows.drop_nulls("outcome")
        result = measure(known["score"], known["outcome"])
        performance = NightPerformance(
            run_id=publication.run_id,
            model=self.spec.name,
            score_date=score_date,
            rows=rows.height,
            with_outcome=known.height,
            base_rate=result.base_rate,
            mean_score=result.mean_score,
            auc=result.auc,
            pr_auc=result.pr_auc,
            brier=result.brier,
            ece=result.ece,
            measured_at=known_at,
        )
        self.outcomes.record_performance(performance)
        return performance

    def _scored(self, run: Run) -> pl.DataFrame:
        """Features and score of what was scored, or of a fixed sample of it; the same rows at every call."""
        population = self.night.population(run)
        sample = population if population.height <= SAMPLE_ROWS else population.sample(SAMPLE_ROWS, seed=self.spec.seed)
        return self.night.features_of(run, sample).join(self.store.published_scores(run), on="entity_key", how="left")

    def _reference(self, run: Run) -> pl.DataFrame:
        return pl.read_parquet(self.artifacts.get(self.registry.version_by_id(run.version_id).reference_uri))
