"""All inputs of a model for a night, at a given as-of and known-at.

Scoring, audit, repair and monitoring all use this one object.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial

import polars as pl
import structlog

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.model import ArtifactBroken
from nightjar.core.inputs.drawn import Drawing, Drawn, drawn
from nightjar.core.inputs.trained_range import Ranges, ranges_of
from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.lifecycle.arms import with_arms
from nightjar.core.model.entities import Version
from nightjar.core.model.generations import Generations
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of
from nightjar.core.night.entities import Part, Population, Run
from nightjar.core.night.part_rows import SCORES
from nightjar.core.night.population import ordered_population
from nightjar.core.night.repair import sound
from nightjar.core.ports.artifacts import Artifacts
from nightjar.core.ports.contracts import Check
from nightjar.core.ports.features import FeatureSource
from nightjar.core.ports.going_on import GoOn
from nightjar.core.ports.learners import Predictors
from nightjar.core.ports.raw import RawStore
from nightjar.core.ports.registry import Registry
from nightjar.core.ports.stages import UNSTAGED, Stages
from nightjar.core.values import INSTANT
from nightjar.usecases.data.windows import batches_of_population, population_of, read_windows
from nightjar.usecases.scoring.feeds import Feeds
from nightjar.usecases.scoring.golden import Scorer
from nightjar.usecases.scoring.snapshot import Snapshots, parts_of
from nightjar.usecases.scoring.sorting import ROWS_AT_ONCE

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightInputs:
    """Population, features, contract and scores of rows.

    It only reads, except that `fix` stores the snapshot of a population.
    """

    spec: ModelSpec
    raw: RawStore
    features: FeatureSource
    artifacts: Artifacts
    predictors: Predictors
    registry: Registry
    check: Check
    _samples: dict[str, pl.DataFrame] = field(
        default_factory=dict[str, pl.DataFrame], repr=False, compare=False
    )
    _sources: dict[str, FeatureSource] | None = field(default=None, repr=False, compare=False)

    def listed_once(self) -> "NightInputs":
        """The same for one night: what has landed or was built is listed once, however often it is read."""
        return replace(self, raw=self.raw.listed_once(), _sources={})

    def population(self, score_date: date, known_at: datetime) -> pl.DataFrame:
        """The population as known at an instant, sorted by key, with its faults named.

        It is empty if nothing had landed by then.
        """
        return ordered_population(population_of(self.spec, self.raw, score_date, known_at))

    def landed(self, score_date: date, known_at: datetime) -> int:
        """Number of raw rows that the population reads, including rows that the model does not take."""
        read = read_windows(self.spec, self.raw, self.spec.population_reads, score_date, known_at)
        return sum(rows.height for rows in read.values())

    def fix(self, rows: pl.DataFrame, drawing: Drawing) -> Population:
        """Store a population, so that every worker sees the same rows for each part of the night.

        drawing: takes the rows on their way.
        """
        return self._snapshots.fix(rows, self.spec.part_rows, self.generations(), drawing)

    def fix_streamed(self, score_date: date, known_at: datetime, drawing: Drawing) -> Population | None:
        """Store the population as known at an instant without having all of it in memory.

        None if it has no row. Raises CodeFailed, ContractBroken.
        """
        made = batches_of_population, self.spec, self.raw, score_date, known_at, ROWS_AT_ONCE
        part_rows, generations = self.spec.part_rows, self.generations()
        return self._snapshots.fix_streamed(partial(*made), part_rows, generations, drawing)

    def fix_again(self, run: Run, drawing: Drawing) -> Population:
        """Store the population of a run for another revision that scores the same rows."""
        return self._snapshots.fix_again(run, drawing)

    def snapshot(self, run: Run) -> pl.DataFrame:
        """The run's population, as it was fixed when the run was claimed. Raises ArtifactBroken."""
        return self._snapshots.whole(run)

    def rows_of(self, run: Run, keys: pl.Series) -> pl.DataFrame:
        """The rows of the run's population with these keys, in their order. Raises ArtifactBroken."""
        return self._snapshots.of_keys(run, keys)

    def part(self, run: Run, part: Part) -> pl.DataFrame:
        """The rows of one part of the run's population. No other rows are read. Raises ArtifactBroken."""
        return self._snapshots.part(run, part)

    def drawn(self, run: Run, drawing: Drawing, go_on: GoOn) -> Drawn:
        """What the audit takes of the run's population, and of the feeds of its features.

        drawing: has taken the population if this process stored it. Otherwise, or if some of its rows cannot
        be scored, the population is read, one part in memory at a time. go_on: called before each part.
        """
        found = drawing.drawn() if drawing.complete else self._drawn(run, drawing.rows, go_on)
        fed = Feeds(self.spec, self.raw).readings(run)
        return replace(found, counted=pl.concat([found.counted, fed]))

    def _drawn(self, run: Run, rows: int, go_on: GoOn) -> Drawn:
        """rows: those that can be scored; 0 if nobody counted them."""
        kept = parts_of(run)

        def parts() -> Iterator[pl.DataFrame]:
            for part in kept:
                go_on()
                yield sound(self.part(run, part))

        return drawn(parts, rows or sum(part.rows for part in kept), self.spec, run.score_date)

    def limits(self) -> tuple[str, ...]:
        """What cannot be answered about the features of a model that names its own Feast service."""
        return () if self.spec.features is None else self.features.limits(self.spec)

    def stale(self, run: Run) -> tuple[str, ...]:
        """The views of a Feast service of the model's own that are too old for a run."""
        return () if self.spec.features is None else self.features.stale(self.spec, run.as_of)

    def generations(self, run: Run | None = None) -> Generations | None:
        """The generations of the feature tables that a run reads; without a run, those that are read today.

        A run reads those of when its population was fixed. None: the model has no feature tables.
        """
        if not self.spec.feature_tables:
            return None
        return self.features.generations(self.spec) if run is None else self._snapshots.generations(run)

    def with_features(self, rows: pl.DataFrame, run: Run) -> pl.DataFrame:
        """Rows of a run's population with their features, as the run sees them.

        The features describe events up to as_of, as corrected by the run's known_at.
        Raises MissingFeatures, StoreUnavailable.
        """
        return self.with_features_of(rows, run.as_of, run.known_at, self.generations(run))

    def with_features_of(
        self, rows: pl.DataFrame, as_of: datetime, known_at: datetime, generations: Generations | None
    ) -> pl.DataFrame:
        """The same at other instants (UTC), or of other generations of the feature tables."""
        moments = {"event_timestamp": as_of} | ({"known_at": known_at} if known_at > as_of else {})
        at = rows.with_columns(pl.lit(moment, INSTANT).alias(name) for name, moment in moments.items())
        return self.retrieved(at, generations).drop(moments)

    def retrieved(self, rows: pl.DataFrame, generations: Generations | None) -> pl.DataFrame:
        """Rows with their features, each as of its own `event_timestamp`. Raises as `with_features`."""
        source = self.features if generations is None else self._reading(generations)
        return source.retrieve(self.spec, rows)

    def _reading(self, generations: Generations) -> FeatureSource:
        known = {} if self._sources is None else self._sources
        return known.setdefault(repr(sorted(generations.items())), self.features.reading(generations))

    def as_scored(self, score_date: date) -> pl.DataFrame:
        """The population of a night with its features, as the night retrieves them if it begins now."""
        moment = as_of(self.spec, score_date)
        return self.with_features_of(self.population(score_date, moment), moment, moment, self.generations())

    def scores(self, run: Run, rows: pl.DataFrame, stages: Stages = UNSTAGED) -> pl.DataFrame:
        """Scores of rows that kept the contract, by the versions that the run was claimed with.

        A later change of a role or of a share makes no difference.
        """
        with stages("predict", "champion") as tell:
            scores = self._by_champion(run, rows)
            tell(rows=rows.height)
        if run.challenger_id is not None and not rows.is_empty():
            with stages("predict", "challenger") as tell:
                scores = self._with_challenger(run.challenger_id, rows, scores)
                tell(rows=rows.height)
        return with_arms(run, scores)

    def _by_champion(self, run: Run, rows: pl.DataFrame) -> pl.DataFrame:
        """The columns SCORES. Those of the challenger are null, and so is the arm."""
        if rows.is_empty():
            return pl.DataFrame(schema=SCORES)
        published = self.scorer.given(self.registry.version_by_id(run.version_id), rows)
        return rows.select(
            "entity_key",
            published["score"],
            published["outputs"],
            challenger_score=pl.lit(None, pl.Float64),
            challenger_outputs=pl.lit(None, OUTPUTS),
            arm=pl.lit(None, pl.String),
            carried_from=pl.lit(None, pl.Int32),
        )

    def _with_challenger(self, challenger_id: int, rows: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
        """The scores of these rows, with those of the run's challenger.

        They stop no night: where the challenger cannot score, or gives other numbers for its golden rows than
        at its registration, they stay null, and the champion serves the row.
        """
        try:
            challenger = self.registry.version_by_id(challenger_id)
            self.scorer.require_as_registered(challenger)
            shadow = self.scorer.given(challenger, rows)
        # A version that nobody has judged in practice may fail in any way.
        except Exception as error:
            expected = isinstance(error, NightjarError)
            log.error("challenger_failed", version=challenger_id, error=str(error), exc_info=not expected)  # noqa: TRY400
            return scores
        return scores.with_columns(challenger_score=shadow["score"], challenger_outputs=shadow["outputs"])

    def training_sample(self, version: Version) -> pl.DataFrame:
        """Rows that a version was trained on: the inputs and `score`. Read once. Raises ArtifactBroken."""
        if version.reference_uri not in self._samples:
            file = self.artifacts.get(version.reference_uri)
            self._samples[version.reference_uri] = pl.scan_parquet(file, glob=False).collect()
        return self._samples[version.reference_uri]

    def ranges_trained_on(self, version: Version) -> Ranges:
        """The ranges of the inputs in a version's training sample. None without it: no score needs it."""
        try:
            sample = self.training_sample(version)
        except ArtifactBroken as error:
            unasked = "No input is held to the range that it had in training"
            log.warning("training_sample_unread", version=version.number, told=unasked, error=str(error))
            return {}
        return ranges_of(sample, self.spec.numeric)

    @property
    def scorer(self) -> Scorer:
        return Scorer(spec=self.spec, artifacts=self.artifacts, predictors=self.predictors)

    @property
    def _snapshots(self) -> Snapshots:
        return Snapshots(self.artifacts)
