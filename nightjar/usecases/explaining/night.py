"""Store the reasons of those rows of a published run that its spec asks for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import polars as pl
import structlog

from nightjar.core.explaining.contributions import Unexplained, contributions_of
from nightjar.core.explaining.reasons import REASONS, chosen, reasons_of
from nightjar.core.lifecycle.arms import BY_CHALLENGER, as_served
from nightjar.core.lifecycle.roles import CHALLENGER
from nightjar.core.model.entities import Version
from nightjar.core.model.explain import Explain
from nightjar.core.night.entities import Run
from nightjar.core.night.repair import sound
from nightjar.core.ports.reasons import ReasonLedger
from nightjar.core.ports.scores import ScoreReader
from nightjar.usecases.scoring.inputs import NightInputs

log = structlog.get_logger(__name__)

ROWS_AT_ONCE = 10_000
"""How many rows are explained at once. A row takes 40 times as long as its score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainNight:
    """The reasons of published runs, by the version that serves each row."""

    inputs: NightInputs
    store: ScoreReader
    ledger: ReasonLedger

    def lacking(self, runs: Iterable[int]) -> frozenset[int]:
        """Those runs of which nothing was recorded. None if the spec asks for no reasons."""
        wanted = frozenset(runs) if self.inputs.spec.explain is not None else frozenset[int]()
        return wanted - self.ledger.explained(wanted) if wanted else wanted

    def __call__(self, run: Run, audited: pl.DataFrame | None = None) -> None:
        """Choose the rows that the spec asks for, and store their reasons. A second time changes nothing.

        audited: rows of the run with their features. If all chosen rows are among them, none is fetched.
        Where a version's learner gives no contributions, this is stored in place of reasons.
        """
        explain = self.inputs.spec.explain
        if explain is None:
            return
        seed = self.inputs.spec.seed + run.score_date.toordinal()
        served = self._looked_at(run, explain)
        keys = chosen(explain, served, seed)
        found, notes = [pl.DataFrame(schema=REASONS)], list[str]()
        for version, of_version in self.by_version(run, served):
            wanted = keys.filter(keys.is_in(of_version.implode()))
            try:
                found += self._reasons(run, version, explain, wanted, audited)
            except Unexplained as why:
                log.warning("night_not_explained", version=version.number, why=str(why))
                notes.append(f"version {version.number}: {why}")
        reasons = pl.concat(found)
        self.ledger.record(run, reasons, "; ".join(notes) or None)
        log.info("night_explained", rows=reasons["entity_key"].n_unique())

    def _looked_at(self, run: Run, explain: Explain) -> pl.DataFrame:
        """The rows to choose from. Only a draw needs them all."""
        if explain.share:
            return as_served(self.store.published_scores(run))
        return self.store.highest(run, explain.highest, explain.above)

    def by_version(self, run: Run, scores: pl.DataFrame) -> Iterator[tuple[Version, pl.Series]]:
        """The versions of a run, each with the keys of the rows that it serves."""
        of_challenger = scores.select("entity_key", by=BY_CHALLENGER)
        yield self.version_of(run, None), of_challenger.filter(~pl.col("by"))["entity_key"]
        if run.challenger_share > 0:
            yield self.version_of(run, CHALLENGER), of_challenger.filter("by")["entity_key"]

    def version_of(self, run: Run, arm: str | None) -> Version:
        """The version that serves the rows of an arm."""
        other = run.challenger_id if arm == CHALLENGER else None
        return self.inputs.registry.version_by_id(run.version_id if other is None else other)

    def _reasons(
        self, run: Run, version: Version, explain: Explain, keys: pl.Series, audited: pl.DataFrame | None
    ) -> Iterator[pl.DataFrame]:
        if keys.is_empty():
            return
        rows = self._with_features(run, keys, audited)
        contributions = self.contributions_by(version)
        for some in rows.iter_slices(ROWS_AT_ONCE):
            yield reasons_of(explain, some, contributions(some))

    def contributions_by(self, version: Version) -> Callable[[pl.DataFrame], pl.DataFrame]:
        """Return a function that gives what each input of rows adds by a version. It raises Unexplained.

        The version and its sample are loaded before, once. Raises ArtifactBroken.
        """
        sample = self.inputs.training_sample(version)
        predictor = self.inputs.predictors.load(self.inputs.spec, version)
        return partial(contributions_of, predictor, sample=sample)

    def _with_features(self, run: Run, keys: pl.Series, audited: pl.DataFrame | None) -> pl.DataFrame:
        wanted = pl.col("entity_key").is_in(keys.implode())
        there = audited.filter(wanted) if audited is not None else None
        if there is not None and there.height == len(keys):
            return there
        return self.inputs.with_features(sound(self.inputs.rows_of(run, keys)), run)
