"""One night: claim, population, parts, audit, publish. The whole order of a night stands in `ScoreNight.run`."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import polars as pl
import structlog
from structlog.contextvars import bound_contextvars

from nightjar.core.claim import Request
from nightjar.core.comparison.profile import sample_of
from nightjar.core.entities import Night, NightSummary, Part, Population, Publication, Receipt, Run, Version
from nightjar.core.errors import BadDelivery, NoChampion, NoPopulation
from nightjar.core.night import cut, missing_parts, ordered_population, scored_otherwise
from nightjar.core.parquet import parquet
from nightjar.core.part_rows import SCORES
from nightjar.core.ports import Artifacts, FeatureSource, GoOn, Predictors, RawStore, Registry, ScoreStore, unasked
from nightjar.core.refusals import refused_for
from nightjar.core.repair import split_carried
from nightjar.core.spec import ModelSpec
from nightjar.usecases.guard import NightGuard
from nightjar.usecases.repair import Repair, repair_of

log = structlog.get_logger(__name__)

INSTANT = pl.Datetime("us", "UTC")


class Checked(Protocol):
    """Rows that kept the contract, and those that did not with their reasons. Together they are all the rows there were."""

    @property
    def valid(self) -> pl.DataFrame: ...

    @property
    def quarantined(self) -> pl.DataFrame: ...


class Follow(Protocol):
    def __call__(self, run: Run, audited: pl.DataFrame | None = None) -> tuple[str, ...]:
        """Do what follows the publication of a run, and return what could not be done. Raises no error.

        audited: rows of the run with their features, where they are at hand.
        """
        ...


def nothing_follows(run: Run, audited: pl.DataFrame | None = None) -> tuple[str, ...]:  # noqa: ARG001  # whatever it is
    return ()


Check = Callable[[ModelSpec, pl.DataFrame], Checked]
EachPart = Callable[[Callable[[Part], Receipt], Sequence[Part]], Sequence[Receipt]]
"""How parts are run: in turn here, as Prefect tasks in a flow. All are tried; the first error is raised when the rest have ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What an attempt came to: the published run, and the rows that were audited with their features, unless it was published before."""

    run: Run
    summary: NightSummary
    audited: pl.DataFrame | None = None


def in_turn(score_part: Callable[[Part], Receipt], parts: Sequence[Part]) -> Sequence[Receipt]:
    return [score_part(part) for part in parts]


def repair_told(run: Run) -> str | None:
    """What the ledger says of a repair for which nobody gave a reason."""
    return (
        None if run.base_id is None else f"repair of run {run.base_id}: corrections recorded by {run.known_at:%Y-%m-%d %H:%M:%S} UTC, rows set aside"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreNight:
    """The use case with its ports. Safe to run again, in another process, at any time: what is stored is not done twice.

    go_on is asked before the night, before each part and immediately before the publication.
    """

    spec: ModelSpec
    raw: RawStore
    features: FeatureSource
    artifacts: Artifacts
    predictors: Predictors
    registry: Registry
    store: ScoreStore
    check: Check
    guard: NightGuard
    follow: Follow = nothing_follows
    go_on: GoOn = unasked

    def run(
        self,
        night: Night,
        *,
        force: bool = False,
        repair: bool = False,
        known_at: datetime | None = None,
        accept: str | None = None,
        wait_s: float = 0,
        flow_run: str | None = None,
        each_part: EachPart = in_turn,
    ) -> NightSummary:
        """Score and publish a night, or say that it is published already.

        force: a new revision even if one is published. repair: a new revision of what is published that scores again only the rows whose
        inputs later knowledge changed and those that were quarantined, if that would change anything; what was held back is scored whole.
        known_at: corrections recorded by then count. accept: why the night
        is to be published though features are stale or it looks absurd; kept in the ledger with what was found. wait_s: how long to wait for another process that holds the night.
        Raises BadSettings, NoChampion, NoPopulation, NightBusy, ClaimLost, ContractBroken, StaleFeatures, AuditFailed, RepairOutdated,
        Stopped, StoreUnavailable; BadDelivery where what it needs was delivered badly and has been set aside.
        """
        self.go_on()
        attempt = partial(self._attempt, night, accept=accept, wait_s=wait_s, each_part=each_part)
        with bound_contextvars(model=night.model, score_date=str(night.score_date)):
            if repair:
                ended = self._repaired(night, known_at, flow_run, attempt)
            else:
                ended = attempt(Request(force=force, known_at=known_at, flow_run=flow_run))
            return ended.summary.model_copy(update={"lacks": self.follow(ended.run, ended.audited)})

    def _repaired(self, night: Night, known_at: datetime | None, flow_run: str | None, attempt: Callable[..., Ended]) -> Ended:
        while True:  # ends when nobody else has changed the night between the look at it and the claim
            shown = self.store.publication(night.model, night.score_date)
            found = None if shown is None else self._repair(shown, known_at)
            if shown is not None and found is not None and not found.worthwhile:
                log.info("nothing_to_repair", run=found.base.id, known_at=str(found.known_at))
                return Ended(found.base, self._summary(found.base, shown, done_now=0, started=time.monotonic(), already=True))
            base_id = None if found is None else found.base.id
            ended = attempt(Request(afresh=found is None, repairs=base_id, known_at=known_at, flow_run=flow_run), found)
            if not ended.summary.already_published or ended.run.id == base_id:
                return ended

    def _repair(self, shown: Publication, known_at: datetime | None) -> Repair:
        """Knows at least as much as what it repairs."""
        base = self.store.run(shown.run_id)
        return repair_of(self, base, max(known_at or base.known_at, base.known_at))

    def _attempt(
        self, night: Night, request: Request, repair: Repair | None = None, *, accept: str | None, wait_s: float, each_part: EachPart
    ) -> Ended:
        started = time.monotonic()
        champion = self._holder("champion")
        if champion is None:
            raise NoChampion(self.spec.name)
        with self.store.night(night, champion, self._holder("challenger"), request, wait_s=wait_s, go_on=self.go_on) as claimed:
            if claimed.publication is not None:
                log.info("night_published_already", run=claimed.run.id, revision=claimed.run.revision)
                return Ended(claimed.run, self._summary(claimed.run, claimed.publication, done_now=0, started=started, already=True))
            with bound_contextvars(run=claimed.run.id):
                return self._published(claimed.run, repair, started=started, accept=accept, each_part=each_part)

    def _published(self, claimed: Run, repair: Repair | None, *, started: float, accept: str | None, each_part: EachPart) -> Ended:
        """The claimed run, once it is scored, audited and published. The caller holds the night's lock."""
        log.info("night_claimed", revision=claimed.revision, attempt=claimed.attempt, resumed=claimed.attempt > 1, repairs=claimed.base_id)
        try:
            run = self._with_population(claimed, repair)
            stale = self.guard.require_fresh(run, self.raw, accepted=accept is not None)
            parts = self._parts(run)
            todo = missing_parts(parts, self.store.receipts(run))
            log.info("population", rows=sum(part.rows for part in parts), parts=len(parts), parts_to_score=len(todo))
            each_part(lambda part: self.score_part(run, part), todo)
            audited = self._sampled(run)
            findings = (*stale, *self._audit(run, audited, accepted=accept is not None))
            log.info("night_audited", findings=findings, accepted=accept)
            publication = self.store.publish(run, accept or repair_told(run), findings, go_on=self.go_on)
        except Exception as error:
            self.store.fail(claimed, f"{type(error).__name__}: {error}")
            raise
        summary = self._summary(run, publication, done_now=len(todo), started=started, already=False)
        counts = summary.model_dump(include={"scored", "quarantined", "carried"})
        log.info("night_published", revision=run.revision, **counts, seconds=round(summary.seconds, 2))
        return Ended(run, summary, audited)

    def score_part(self, run: Run, part: Part) -> Receipt:
        """Features, contract, scores and receipt of one part; memory is bounded by its rows."""
        self.go_on()
        started = time.monotonic()
        with bound_contextvars(part=part.number):
            kept, fresh = split_carried(self.population(run).slice(part.start, part.rows))
            checked = self.check(self.spec, self.features_of(run, fresh))
            scores = pl.concat([kept, self.scores_of(run, checked.valid)])
            receipt = self.store.write_part(run, part, scores, checked.quarantined)
            counts = receipt.model_dump(include={"rows", "scored", "quarantined"})
            log.info("part_scored", **counts, kept=kept.height, seconds=round(time.monotonic() - started, 2))
        return receipt

    def scores_of(self, run: Run, rows: pl.DataFrame) -> pl.DataFrame:
        """Scores of rows that kept the contract, by the versions the run was claimed with, whoever is champion by now."""
        if rows.is_empty():
            return pl.DataFrame(schema=SCORES)
        challenger = None if run.challenger_id is None else self.registry.version_by_id(run.challenger_id)
        return rows.select(
            "entity_key",
            score=self._predict(self.registry.version_by_id(run.version_id), rows),
            challenger_score=pl.lit(None, pl.Float64) if challenger is None else self._predict(challenger, rows),
            carried_from=pl.lit(None, pl.Int32),
        )

    def population(self, run: Run) -> pl.DataFrame:
        """The run's snapshot, as it was fixed when the run was claimed."""
        if run.population is None:
            raise ValueError(f"run {run.id} has no population yet")
        return pl.read_parquet(self.artifacts.get(run.population.uri, run.population.sha256))

    def population_known(self, score_date: date, known_at: datetime) -> pl.DataFrame:
        """The population as known at an instant, sorted by key, its faults named; empty where nothing had landed by then."""
        dataset = self.spec.dataset(self.spec.population_dataset)
        raw = {dataset.name: self.raw.read(dataset, score_date, score_date, known_at=known_at)}
        return ordered_population(self.spec.population(raw, score_date))

    def features_of(self, run: Run, population: pl.DataFrame) -> pl.DataFrame:
        """Population rows with the model's features as known at the run's as-of, and as corrected by its `known_at`."""
        moments = {"event_timestamp": run.as_of} | ({"known_at": run.known_at} if run.known_at > run.as_of else {})
        at = population.with_columns(pl.lit(moment, INSTANT).alias(name) for name, moment in moments.items())
        return self.features.retrieve(self.spec, at).drop(moments)

    def sound_rows(self, rows: pl.DataFrame) -> int:
        """How many of the rows, with features, keep the contract."""
        return self.check(self.spec, rows).valid.height

    def _holder(self, role: str) -> Version | None:
        return self.registry.holder(self.spec.name, role)

    def _predict(self, version: Version, rows: pl.DataFrame) -> pl.Series:
        return self.predictors.load(self.spec, version).predict(rows)

    def _with_population(self, run: Run, repair: Repair | None) -> Run:
        if run.population is not None:
            return run
        rows = self._population_of(run, repair)
        if rows.is_empty():
            raise self._no_population(run)
        return self.store.record_population(run, self._snapshot(rows))

    def _no_population(self, run: Run) -> BadDelivery | NoPopulation:
        """Nothing landed, what was delivered is set aside, or the model takes none of it."""
        landed = self.raw.read(self.spec.dataset(self.spec.population_dataset), run.score_date, run.score_date, known_at=run.known_at)
        if landed.is_empty() and (refusal := refused_for(self.raw.refused(self.spec.population_dataset), run.score_date, run.known_at)):
            return refusal.wanted_by(run.model, run.score_date, f"no other {refusal.dataset} of that day has landed")
        return NoPopulation(self.spec.name, run.score_date, self.spec.population_dataset, run.known_at, landed.height)

    def _population_of(self, run: Run, repair: Repair | None) -> pl.DataFrame:
        """A run that is gone on with may know less than the repair that was looked at for this attempt."""
        if run.base_id is None:
            return self.population_known(run.score_date, run.known_at)
        if repair is None or repair.known_at != run.known_at:
            repair = repair_of(self, self.store.run(run.base_id), run.known_at)
        return repair.population

    def _snapshot(self, rows: pl.DataFrame) -> Population:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "population.parquet"
            file.write_bytes(parquet(rows))
            uri, sha256 = self.artifacts.put("population", file)
        return Population(uri=uri, sha256=sha256, rows=rows.height, parts=len(cut(rows.height, self.spec.part_rows)))

    def _parts(self, run: Run) -> tuple[Part, ...]:
        """The parts as first cut: a later change of part_rows does not move the borders of a run half done."""
        if run.population is None:
            return ()
        return cut(run.population.rows, -(-run.population.rows // run.population.parts))

    def _sampled(self, run: Run) -> pl.DataFrame:
        """The rows that the audit looks at, with their features if there are any."""
        sample = sample_of(self.population(run), self.spec.seed)
        return self.features_of(run, sample) if sample.height else sample

    def _audit(self, run: Run, sampled: pl.DataFrame, *, accepted: bool) -> tuple[str, ...]:
        receipts, scores = self.store.receipts(run), self.store.distribution(run)
        otherwise = self._scored_otherwise(run, sampled) if sampled.height else ()
        return self.guard.require_sound(run, self._parts(run), receipts, scores, sampled=sampled, otherwise=otherwise, accepted=accepted)

    def _scored_otherwise(self, run: Run, sampled: pl.DataFrame) -> tuple[str, ...]:
        """Keys of sampled rows that would be scored otherwise now. Parts are read at different moments, and what was read is not kept."""
        _, fresh = split_carried(sampled)
        again = self.scores_of(run, self.check(self.spec, fresh).valid)
        return scored_otherwise(self.store.scores_for(run, fresh["entity_key"]), again)

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
            carried=scores.carried,
            quarantined=sum(receipt.quarantined for receipt in receipts),
            parts=len(receipts),
            parts_done_now=done_now,
            mean_score=scores.mean if scores.rows else None,
            already_published=already,
            published_at=publication.published_at,
            seconds=time.monotonic() - started,
        )
