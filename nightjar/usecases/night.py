"""One night: claim, population, parts, audit, publish. The whole order of a night stands in `ScoreNight.run`."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from nightjar.core.entities import Night, NightSummary, Part, Population, Publication, Receipt, Run, Version
from nightjar.core.errors import AuditFailed, NoChampion, NoPopulation
from nightjar.core.night import TRAILING_NIGHTS, audit, cut, missing_parts, ordered_population
from nightjar.core.ports import Artifacts, FeatureSource, Predictors, RawStore, Registry, ScoreStore
from nightjar.core.spec import ModelSpec


class Checked(Protocol):
    """Rows that kept the contract, and those that did not with their reasons. Together they are all the rows there were."""

    @property
    def valid(self) -> pl.DataFrame: ...

    @property
    def quarantined(self) -> pl.DataFrame: ...


Check = Callable[[ModelSpec, pl.DataFrame], Checked]
EachPart = Callable[[Callable[[Part], Receipt], Sequence[Part]], Sequence[Receipt]]
"""How parts are run: in turn here, as Prefect tasks in a flow. All are tried; the first error is raised when the rest have ended."""


def in_turn(score_part: Callable[[Part], Receipt], parts: Sequence[Part]) -> Sequence[Receipt]:
    return [score_part(part) for part in parts]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreNight:
    """The use case with its ports. Safe to run again, in another process, at any time: what is stored is not done twice."""

    spec: ModelSpec
    raw: RawStore
    features: FeatureSource
    artifacts: Artifacts
    predictors: Predictors
    registry: Registry
    store: ScoreStore
    check: Check

    def run(
        self,
        night: Night,
        *,
        force: bool = False,
        accept: str | None = None,
        wait_s: float = 0,
        flow_run: str | None = None,
        each_part: EachPart = in_turn,
    ) -> NightSummary:
        """Score and publish a night, or say that it is published already.

        force: a new revision even if one is published. accept: why the night is to be published though it looks absurd; kept in the ledger. wait_s: how long to wait for another process that holds the night.
        Raises NoChampion, NoPopulation, NightBusy, ClaimLost, ContractBroken, AuditFailed, StoreUnavailable.
        """
        started = time.monotonic()
        champion = self._holder("champion")
        if champion is None:
            raise NoChampion(self.spec.name)
        challenger = self._holder("challenger")
        with self.store.night(night, champion, challenger, force=force, wait_s=wait_s, flow_run=flow_run) as claimed:
            if claimed.publication is not None:
                return self._summary(claimed.run, claimed.publication, done_now=0, started=started, already=True)
            try:
                run = self._with_population(claimed.run)
                todo = missing_parts(self._parts(run), self.store.receipts(run))
                each_part(lambda part: self.score_part(run, part), todo)
                self._audit(run, accepted=accept is not None)
                publication = self.store.publish(run, accept)
            except Exception as error:
                self.store.fail(claimed.run, f"{type(error).__name__}: {error}")
                raise
            return self._summary(run, publication, done_now=len(todo), started=started, already=False)

    def score_part(self, run: Run, part: Part) -> Receipt:
        """Features, contract, scores and receipt of one part; memory is bounded by its rows."""
        population = self.population(run).slice(part.start, part.rows)
        checked = self.check(self.spec, self.features_of(run, population))
        champion, challenger = self._versions(run)
        scores = checked.valid.select(
            "entity_key",
            self.predictors.load(self.spec, champion).predict(checked.valid).alias("score"),
            (pl.lit(None, pl.Float64) if challenger is None else self.predictors.load(self.spec, challenger).predict(checked.valid)).alias(
                "challenger_score"
            ),
        )
        return self.store.write_part(run, part, scores, checked.quarantined)

    def population(self, run: Run) -> pl.DataFrame:
        """The run's snapshot, as it was fixed when the run was claimed."""
        if run.population is None:
            raise ValueError(f"run {run.id} has no population yet")
        return pl.read_parquet(self.artifacts.get(run.population.uri, run.population.sha256))

    def features_of(self, run: Run, population: pl.DataFrame) -> pl.DataFrame:
        """Population rows with the model's features as known at the run's as-of."""
        return self.features.retrieve(self.spec, population.with_columns(event_timestamp=pl.lit(run.as_of, pl.Datetime("us", "UTC"))))

    def _holder(self, role: str) -> Version | None:
        return self.registry.holder(self.spec.name, role)

    def _versions(self, run: Run) -> tuple[Version, Version | None]:
        """The versions the run was claimed with, whoever is champion by now."""
        challenger = None if run.challenger_id is None else self.registry.version_by_id(run.challenger_id)
        return self.registry.version_by_id(run.version_id), challenger

    def _with_population(self, run: Run) -> Run:
        if run.population is not None:
            return run
        dataset = self.spec.dataset(self.spec.population_dataset)
        raw = {dataset.name: self.raw.read(dataset, run.score_date, run.score_date, known_at=run.as_of)}
        rows = self.spec.population(raw, run.score_date)
        if rows.is_empty():
            raise NoPopulation(self.spec.name, run.score_date, dataset.name)
        return self.store.record_population(run, self._snapshot(ordered_population(rows)))

    def _snapshot(self, rows: pl.DataFrame) -> Population:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "population.parquet"
            rows.write_parquet(file)
            uri, sha256 = self.artifacts.put("population", file)
        return Population(uri=uri, sha256=sha256, rows=rows.height, parts=len(cut(rows.height, self.spec.part_rows)))

    def _parts(self, run: Run) -> tuple[Part, ...]:
        """The parts as first cut: a later change of part_rows does not move the borders of a run half done."""
        if run.population is None:
            return ()
        return cut(run.population.rows, -(-run.population.rows // run.population.parts))

    def _audit(self, run: Run, *, accepted: bool) -> None:
        trailing = self.store.trailing(self.spec.name, run.score_date, TRAILING_NIGHTS)
        receipts, scores = self.store.receipts(run), self.store.distribution(run)
        findings = audit(run, self._parts(run), receipts, scores, trailing, self.spec.audit, accepted=accepted)
        if findings:
            raise AuditFailed(self.spec.name, run.score_date, findings)

    def _summary(self, run: Run, publication: Publication, *, done_now: int, started: float, already: bool) -> NightSummary:
        receipts, scores = self.store.receipts(run), self.store.distribution(run)
        return NightSummary(
            model=run.model,
            score_date=run.score_date,
            as_of=run.as_of,
            run_id=run.id,
            revision=run.revision,
            version_number=self.registry.version_by_id(run.version_id).number,
            population=sum(receipt.rows for receipt in receipts),
            scored=sum(receipt.scored for receipt in receipts),
            quarantined=sum(receipt.quarantined for receipt in receipts),
            parts=len(receipts),
            parts_done_now=done_now,
            mean_score=scores.mean if scores.rows else None,
            already_published=already,
            published_at=publication.published_at,
            seconds=time.monotonic() - started,
        )
