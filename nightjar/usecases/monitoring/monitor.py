"""Compare published nights with the training sample: drift, and an HTML report."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from nightjar.core.comparison.profile import compared_columns, sample_of
from nightjar.core.monitoring.drift import HISTORY, night_drift
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.monitoring.training import TrainingSample
from nightjar.core.night.entities import Run
from nightjar.core.night.repair import sound
from nightjar.core.ports.drift import DriftLedger, ReportWriter
from nightjar.core.ports.nights import NightReader
from nightjar.core.ports.profiles import InputProfiles
from nightjar.core.ports.stages import Meter, Tell, unmetered
from nightjar.usecases.scoring.inputs import NightInputs

SAMPLE_ROWS = 5_000
"""The report draws so many rows. For a million rows, Evidently takes minutes and a gigabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchNight:
    """Drift and reports of published nights."""

    inputs: NightInputs
    store: NightReader
    profiles: InputProfiles
    ledger: DriftLedger
    writer: ReportWriter
    meter: Meter = unmetered
    _samples: dict[int, TrainingSample] = field(default_factory=dict[int, TrainingSample], repr=False)

    def drift(self, run: Run, audited: pl.DataFrame | None = None) -> tuple[ColumnDrift, ...]:
        """Measure each input column and the predictions, and keep the rows.

        The stored profiles are held to those of past nights, and a sample of rows to the training sample.
        Fast: no report is drawn. audited: the audited rows with their features and scores; they are that
        sample. None: it is fetched.
        """
        rows = self._with_scores(run, self._sampled(run)) if audited is None else audited
        columns = night_drift(
            self.profiles.of_run(run),
            self.profiles.trailing(run.model, run.score_date, HISTORY),
            self._sample(run).compared(self.inputs.spec.kind.with_class(rows)),
            is_holiday=self.inputs.spec.is_holiday,
        )
        self.ledger.record_drift(run, columns)
        return columns

    def report(self, run: Run) -> tuple[str, tuple[ColumnDrift, ...]]:
        """Draw and keep the HTML report. Measure and keep drift if it is not measured yet.

        Return the report's uri and our drift result of each column.
        """
        with self.meter(run, follows=True) as stages, stages("report") as tell:
            return self._reported(run, tell)

    def _reported(self, run: Run, tell: Tell) -> tuple[str, tuple[ColumnDrift, ...]]:
        scored, reference = self.sides(run)
        columns = self.ledger.drift(run) or self.drift(run)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "drift.html"
            self.writer.draw(self.inputs.spec, run, scored, reference, columns, file)
            tell(rows=scored.height, size=file.stat().st_size)
            uri, _ = self.inputs.artifacts.put("report", file)
        self.ledger.record_report(run, "drift", uri)
        return uri, columns

    def sides(self, run: Run) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return rows of the night and the training sample, each with the model's inputs and `score`."""
        return self._drawn(run), self._reference(run)

    def _sampled(self, run: Run) -> pl.DataFrame:
        """Features of the rows that the audit of the run looked at."""
        return self.inputs.with_features(sample_of(self.inputs.snapshot(run), self.inputs.spec.seed), run)

    def _drawn(self, run: Run) -> pl.DataFrame:
        """Features and score of the rows that are drawn: all, or a sample of them that the seed fixes."""
        population = sound(self.inputs.snapshot(run))
        few = population.height <= SAMPLE_ROWS
        sample = population if few else population.sample(SAMPLE_ROWS, seed=self.inputs.spec.seed)
        rows = self._with_scores(run, self.inputs.with_features(sample, run))
        return self.inputs.spec.kind.with_class(rows)

    def _with_scores(self, run: Run, rows: pl.DataFrame) -> pl.DataFrame:
        scores = self.store.scores_for(run, rows["entity_key"])
        return rows.join(scores, on="entity_key", how="left")

    def _sample(self, run: Run) -> TrainingSample:
        """The training sample of the run's version. It is loaded once per version."""
        if run.version_id not in self._samples:
            self._samples[run.version_id] = TrainingSample(
                self._reference(run), *compared_columns(self.inputs.spec)
            )
        return self._samples[run.version_id]

    def _reference(self, run: Run) -> pl.DataFrame:
        version = self.inputs.registry.version_by_id(run.version_id)
        return self.inputs.training_sample(version)
