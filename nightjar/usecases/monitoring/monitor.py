"""Monitor published nights: drift against the training sample, an HTML report, and performance.

Performance is measured once outcomes are known.
"""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

import polars as pl

from nightjar.core.comparison.profile import compared_columns, holds_all
from nightjar.core.kinds.metrics import Metrics
from nightjar.core.lifecycle.training_set import last_mature_date
from nightjar.core.monitoring.drift import TrainingSample
from nightjar.core.monitoring.due import Wait, complete_at, outdated, waiting
from nightjar.core.monitoring.entities import ColumnDrift, NightComparison, NightPerformance
from nightjar.core.night.entities import Publication, Run
from nightjar.core.night.repair import sound
from nightjar.core.night.windows import Recorded
from nightjar.core.ports.drift import DriftLedger, ReportWriter
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.nights import NightReader
from nightjar.core.ports.outcomes import Outcomes
from nightjar.usecases.data.windows import outcomes_of
from nightjar.usecases.scoring.inputs import NightInputs

SAMPLE_ROWS = 50_000
"""Number of rows compared. A sample of this size gives the same decisions as a million rows.

For a million rows, Evidently takes minutes and a gigabyte.
"""

Measured = TypeVar("Measured", NightPerformance, NightComparison)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchNight:
    """Drift, reports and measurements of published nights."""

    inputs: NightInputs
    store: NightReader
    outcomes: Outcomes
    ledger: DriftLedger
    writer: ReportWriter
    go_on: GoOn = unasked
    _samples: dict[int, TrainingSample] = field(default_factory=dict[int, TrainingSample], repr=False)

    def drift(self, run: Run, audited: pl.DataFrame | None = None) -> tuple[ColumnDrift, ...]:
        """Measure each input column and the score against the training sample, and keep the rows.

        Fast: no report is drawn.
        audited: the audited rows with their features. If they are all rows of the run, nothing is fetched
        again.
        """
        whole = audited is not None and holds_all(audited)
        columns = self._sample(run).compared(
            self._with_scores(run, audited) if audited is not None and whole else self._scored(run)
        )
        self.ledger.record_drift(run, columns)
        return columns

    def report(self, run: Run) -> tuple[str, tuple[ColumnDrift, ...]]:
        """Draw and keep the HTML report. Measure and keep drift if it is not measured yet.

        Return the report's uri and our drift result of each column.
        """
        scored, reference = self._scored(run), self._reference(run)
        columns = self.ledger.drift(run) or self.drift(run)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "drift.html"
            drawn = self.writer.draw(self.inputs.spec, run, scored, reference, columns, file)
            uri, _ = self.inputs.artifacts.put("report", file)
        self.ledger.record_drift(run, drawn)
        self.ledger.record_report(run, "drift", uri)
        return uri, columns

    def outcomes_known(self, known_at: datetime) -> tuple[NightPerformance, ...]:
        """Load the outcomes of published nights recorded by `known_at`.

        Return the newest measurement of each night, by score date. A night is measured again only if more
        outcomes are known than its measurement holds. Raises Stopped before the outcomes are kept, or before
        a night is measured.
        """
        last = last_mature_date(self.inputs.spec, known_at)
        nights = [night for night in self.store.published(self.inputs.spec.name) if night.score_date <= last]
        kept = self._kept()
        due = tuple(outdated(self.inputs.spec, nights, kept, self._recorded(), known_at))
        kept |= {night.run_id: night for night in self.measure(due, known_at, self.go_on)}
        return tuple(kept[night.run_id] for night in nights)

    def due(self, run: Run) -> tuple[Publication, datetime] | None:
        """The publication to measure now, and the instant until which its outcomes were recorded.

        None if its outcomes are not known yet, if its measurement holds all of them already, or if analysts
        see another run of the night.
        """
        publication, recorded = self.store.publication(run.model, run.score_date), self._recorded()
        known_at = complete_at(self.inputs.spec, run.score_date, recorded)
        if publication is None or publication.run_id != run.id or known_at is None:
            return None
        lacking = any(outdated(self.inputs.spec, [publication], self._kept(), recorded, known_at))
        return (publication, known_at) if lacking else None

    def measure(
        self, nights: Sequence[Publication], known_at: datetime, go_on: GoOn = unasked
    ) -> tuple[NightPerformance, ...]:
        """Load the outcomes of these nights recorded by `known_at`. Return the newest measurement of each.

        go_on is called before outcomes are kept, and before each night.
        """
        go_on()
        self._record_outcomes([night.score_date for night in nights], known_at)
        kept, compared, measured = self._kept(), self._compared(), list[NightPerformance]()
        for night in nights:
            go_on()
            rows = self.outcomes.scored(self.inputs.spec.name, night.score_date)
            # First, because a night that is measured may never be looked at again.
            self._compare(night, rows, compared.get(night.run_id), known_at)
            measured.append(self._performance(night, rows, kept.get(night.run_id), known_at))
        return tuple(measured)

    def _kept(self) -> dict[int, NightPerformance]:
        return {
            performance.run_id: performance
            for performance in self.outcomes.performances(self.inputs.spec.name)
        }

    def _compared(self) -> dict[int, NightComparison]:
        """The newest comparison of each run that analysts see."""
        return {each.run_id: each for each in self.outcomes.comparisons(self.inputs.spec.name)}

    def waiting(self, measured: Iterable[NightPerformance], known_at: datetime) -> tuple[Wait, ...]:
        """The reasons why published nights are not measured, or are measured on no outcome."""
        published = self.store.published(self.inputs.spec.name)
        return tuple(waiting(self.inputs.spec, published, measured, self._recorded(), known_at))

    def _record_outcomes(self, dates: Sequence[date], known_at: datetime) -> None:
        if dates:
            happened = outcomes_of(self.inputs.spec, self.inputs.raw, dates, known_at)
            self.outcomes.record(self.inputs.spec.name, happened)

    def _recorded(self) -> Recorded:
        """When the deliveries of each dataset of the outcomes were recorded."""
        reads = self.inputs.spec.outcome_reads
        return {window.dataset: self.inputs.raw.recorded(window.dataset) for window in reads}

    def _performance(
        self, publication: Publication, rows: pl.DataFrame, kept: NightPerformance | None, known_at: datetime
    ) -> NightPerformance:
        """The newest measurement of a night.

        A measurement equal to the one before is not kept.
        """
        known = rows.drop_nulls("outcome")
        performance = NightPerformance(
            run_id=publication.run_id,
            model=self.inputs.spec.name,
            score_date=publication.score_date,
            rows=rows.height,
            with_outcome=known.height,
            metrics=self._nightly(known),
            measured_at=known_at,
        )
        if kept is not None and _same(performance, kept):
            return kept
        self.outcomes.record_performance(performance)
        return performance

    def _compare(
        self, publication: Publication, rows: pl.DataFrame, kept: NightComparison | None, known_at: datetime
    ) -> None:
        """Measure champion and challenger on the rows that both scored, if the night had a challenger.

        A comparison equal to the one before is not kept.
        """
        run = self.store.run(publication.run_id)
        if run.challenger_id is None:
            return
        both = rows.drop_nulls("challenger_score")
        known = both.drop_nulls("outcome")
        challenger = known.select("outcome", score="challenger_score", outputs="challenger_outputs")
        comparison = NightComparison(
            run_id=run.id,
            model=run.model,
            score_date=run.score_date,
            version_id=run.version_id,
            challenger_id=run.challenger_id,
            rows=both.height,
            with_outcome=known.height,
            champion=self._nightly(known),
            challenger=self._nightly(challenger),
            measured_at=known_at,
        )
        if kept is None or not _same(comparison, kept):
            self.outcomes.record_comparison(comparison)

    def _nightly(self, rows: pl.DataFrame) -> Metrics:
        kind = self.inputs.spec.kind
        found = kind.measure(rows["score"], rows["outcome"], rows["outputs"])
        return {metric.name: found[metric.name] for metric in kind.nightly}

    def _scored(self, run: Run) -> pl.DataFrame:
        """Features and score of the rows that could be scored, or of a fixed sample of them.

        Every call gives the same rows.
        """
        population = sound(self.inputs.snapshot(run))
        sample = (
            population
            if population.height <= SAMPLE_ROWS
            else population.sample(SAMPLE_ROWS, seed=self.inputs.spec.seed)
        )
        return self._with_scores(run, self.inputs.with_features(sample, run))

    def _with_scores(self, run: Run, rows: pl.DataFrame) -> pl.DataFrame:
        scores = self.inputs.spec.kind.with_class(self.store.scores_for(run, rows["entity_key"]))
        return rows.join(scores, on="entity_key", how="left")

    def _sample(self, run: Run) -> TrainingSample:
        """The training sample of the run's version. It is loaded once per version."""
        if run.version_id not in self._samples:
            self._samples[run.version_id] = TrainingSample(
                self._reference(run), *compared_columns(self.inputs.spec)
            )
        return self._samples[run.version_id]

    def _reference(self, run: Run) -> pl.DataFrame:
        return pl.read_parquet(
            self.inputs.artifacts.get(self.inputs.registry.version_by_id(run.version_id).reference_uri)
        )


def _same(now: Measured, before: Measured) -> bool:
    """True if two measurements of a run differ at most in their instant."""
    return now.model_copy(update={"measured_at": before.measured_at}) == before
