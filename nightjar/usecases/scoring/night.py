"""Score one night: claim, population, parts, audit, publish.

`ScoreNight.run` has all these steps in order.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import polars as pl
import structlog
from structlog.contextvars import bound_contextvars

from nightjar.core.comparison.entities import Distribution
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.inputs import BadDelivery, NoPopulation
from nightjar.core.errors.machine import REFUSALS, refused
from nightjar.core.inputs.drawn import Drawing, Drawn
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.readings import as_kept
from nightjar.core.inputs.refusals import Refusal, newest, refused_for
from nightjar.core.inputs.trained_range import beyond_training
from nightjar.core.lifecycle.arms import as_served, by_challenger
from nightjar.core.model.entities import Version
from nightjar.core.model.generations import Generations
from nightjar.core.night.audit import challenger_irreproducible, scored_otherwise
from nightjar.core.night.claim import Request
from nightjar.core.night.entities import Night, NightSummary, Part, PartJob, Publication, Receipt, Run
from nightjar.core.night.population import missing_parts
from nightjar.core.night.repair import split_carried
from nightjar.core.night.windows import files_of, no_population
from nightjar.core.ports.advice import Advise, unadvised
from nightjar.core.ports.execution import PartExecutor
from nightjar.core.ports.following import Follow, nothing_follows
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.nights import NightReader, NightStore
from nightjar.core.ports.stages import Meter, Stages, unmetered
from nightjar.usecases.scoring.beside import Beside, beside
from nightjar.usecases.scoring.guard import NightGuard, Past
from nightjar.usecases.scoring.inputs import NightInputs
from nightjar.usecases.scoring.patience import patient
from nightjar.usecases.scoring.repair import Repair, repair_of
from nightjar.usecases.scoring.scorers import Choose, Scorers, by_now, of_run
from nightjar.usecases.scoring.second_reading import Computed, SecondReading
from nightjar.usecases.scoring.snapshot import parts_of

log = structlog.get_logger(__name__)

EARLY = (
    "its as-of is still ahead: what becomes known until then is not in it, and does not count as late; "
    "to have it, make a new revision afterwards"
)


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of an attempt: the published run, and audited rows with their features and stored scores.

    There are no audited rows if the run was published before.
    """

    run: Run
    summary: NightSummary
    audited: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What a run has stored, in numbers. It is counted once an attempt."""

    receipts: tuple[Receipt, ...]
    scores: Distribution

    @classmethod
    def of(cls, store: NightReader, run: Run) -> "Stored":
        return cls(store.receipts(run), store.distribution(run))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the audit takes of a run that none of its parts changes."""

    population: Drawn
    computed: Computed
    past: Past


@dataclass(frozen=True, slots=True)
class Audited:
    """Rows that the audit looks at, with their features, and the stored scores of all of them."""

    sampled: pl.DataFrame
    compared: pl.DataFrame
    scores: pl.DataFrame

    @property
    def sample(self) -> pl.DataFrame:
        """The sampled rows with their scores, which are null where a row has none."""
        return self.sampled.join(self.scores, on="entity_key", how="left")


def repair_told(run: Run) -> str | None:
    """The text in the ledger for a repair without a given reason."""
    if run.base_id is None:
        return None
    known = f"{run.known_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"repair of run {run.base_id}: corrections recorded by {known}, rows set aside"


def _served(run: Run) -> tuple[int, float]:
    """What says of a run which version serves each row."""
    return run.version_id, run.challenger_share


def job_of(run: Run, part: Part) -> PartJob:
    return PartJob(run_id=run.id, part=part.number, claim=run.claim)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreNight:
    """The use case with its ports.

    Safe to run again at any time, also in another process: stored work is not done twice.
    go_on is called before the night, before each part and immediately before the publication.
    advised: makes the text that the ledger keeps for an error. meter: measures the stages of the night.
    beside: does what needs no part while the parts are scored.
    """

    inputs: NightInputs
    store: NightStore
    guard: NightGuard
    executor: PartExecutor
    second: SecondReading | None = None
    follow: Follow = nothing_follows
    go_on: GoOn = unasked
    advised: Advise = unadvised
    meter: Meter = unmetered
    beside: Beside = beside

    def run(
        self,
        night: Night,
        *,
        force: bool = False,
        repair: bool = False,
        known_at: datetime | None = None,
        accept: str | None = None,
        choose: Choose = by_now,
        instead_of: int | None = None,
        wait_s: float = 0,
        flow_run: str | None = None,
    ) -> NightSummary:
        """Score and publish a night, or report that it is published already.

        force: make a new revision even if one is published.
        repair: make a new revision of the published one, if that would change anything. It scores again only
        the quarantined rows and the rows whose inputs were changed by later corrections. A night that was
        held back is scored as a whole.
        known_at: corrections recorded by then count.
        accept: the reason to publish the night although features are stale or the audit finds it odd. The
        ledger keeps it with the findings.
        choose: the versions that score it, if it needs a new run. A repair keeps those of its base.
        instead_of: the run that analysts see, whose rows other versions score in a new revision.
        wait_s: how long to wait for another process that holds the night.
        Raises BadSettings, NoChampion, NoHonestChampion, GateFailed, NoPopulation, NightBusy, ClaimLost,
        ContractBroken, StaleFeatures, AuditFailed, PredictsOtherwise, RepairOutdated, Stopped,
        StoreUnavailable. Raises BadDelivery if a delivery that the night needs is bad and was set aside.
        """
        self.go_on()
        attempt = partial(self._attempt, night, accept=accept, choose=choose, wait_s=wait_s)
        with bound_contextvars(model=night.model, score_date=str(night.score_date)):
            if repair:
                ended = self._repaired(night, known_at, flow_run, attempt)
            elif instead_of is not None:
                ended = attempt(Request(repairs=instead_of, switch=True, flow_run=flow_run))
            else:
                ended = attempt(Request(force=force, known_at=known_at, flow_run=flow_run))
            return ended.summary.model_copy(update={"lacks": self.follow(ended.run, ended.audited)})

    def _repaired(
        self, night: Night, known_at: datetime | None, flow_run: str | None, attempt: Callable[..., Ended]
    ) -> Ended:
        while True:  # ends if no other process changed the night between reading its state and the claim
            shown = self.store.publication(night.model, night.score_date)
            found = None if shown is None else self._repair(shown, known_at)
            if shown is not None and found is not None and not found.worthwhile:
                log.info("nothing_to_repair", run=found.base.id, known_at=str(found.known_at))
                return self._as_it_is(found.base, shown, started=time.monotonic())
            base_id = None if found is None else found.base.id
            ended = attempt(
                Request(afresh=found is None, repairs=base_id, known_at=known_at, flow_run=flow_run), found
            )
            if not ended.summary.already_published or ended.run.id == base_id:
                return ended

    def _repair(self, shown: Publication, known_at: datetime | None) -> Repair:
        """The repair of a publication. Its known-at is never earlier than that of the publication."""
        base = self.store.run(shown.run_id)
        return repair_of(self.inputs, self.store, base, max(known_at or base.known_at, base.known_at))

    def _attempt(
        self,
        night: Night,
        request: Request,
        repair: Repair | None = None,
        *,
        accept: str | None,
        choose: Choose,
        wait_s: float,
    ) -> Ended:
        started = time.monotonic()
        by = self._scorers(night, request, choose)
        named = by.champion.id if by.named else None
        request = replace(request, version_id=named, share=by.share)
        with self.store.night(
            night, by.champion, by.challenger, request, wait_s=wait_s, go_on=self.go_on
        ) as claimed:
            if claimed.publication is not None:
                log.info("night_published_already", run=claimed.run.id, revision=claimed.run.revision)
                return self._as_it_is(claimed.run, claimed.publication, started)
            with bound_contextvars(run=claimed.run.id), self.meter(claimed.run) as stages:
                steady = replace(self, inputs=self.inputs.listed_once())
                return ScoreNight._published(
                    steady, claimed.run, repair, by.reason, stages, started=started, accept=accept
                )

    def _scorers(self, night: Night, request: Request, choose: Choose) -> Scorers:
        """The versions of a new run. If none is needed, those of the run that analysts see."""
        anew, registry = request.force or request.switch, self.inputs.registry
        shown = None if anew else self.store.publication(night.model, night.score_date)
        return choose(registry, night) if shown is None else of_run(registry, self.store.run(shown.run_id))

    def _published(
        self,
        claimed: Run,
        repair: Repair | None,
        why: str | None,
        stages: Stages,
        *,
        started: float,
        accept: str | None,
    ) -> Ended:
        """Score, audit and publish the claimed run. The caller holds the night's lock.

        why: a person's reason for the version that scores it.
        """
        log.info(
            "night_claimed",
            revision=claimed.revision,
            attempt=claimed.attempt,
            resumed=claimed.attempt > 1,
            repairs=claimed.base_id,
        )
        if claimed.as_of > datetime.now(UTC):
            log.warning("night_scored_early", as_of=str(claimed.as_of), told=EARLY)
        try:
            for limit in self.inputs.limits():
                log.warning("features_limited", told=limit)
            version = self.inputs.registry.version_by_id(claimed.version_id)
            with stages("readiness"):
                otherwise = self.guard.require_as_registered(
                    claimed, version, self.inputs.scorer.otherwise(version), accepted=accept is not None
                )
            drawing = Drawing(self.inputs.spec, claimed.score_date)
            run = self._with_population(claimed, repair, drawing, stages)
            with stages("readiness"):
                stale = self._fresh(run, accepted=accept is not None)
            parts = parts_of(run)
            todo = missing_parts(parts, self.store.receipts(run))
            log.info(
                "population",
                rows=sum(part.rows for part in parts),
                parts=len(parts),
                parts_to_score=len(todo),
            )
            # Who scores parts tries again by itself when the database goes and comes back. So does this.
            with self.beside(partial(patient(), self._prepared, run, drawing, stages)) as prepared:
                self.executor.run(run.night, [job_of(run, part) for part in todo])
                fixed = prepared()
            with stages("audit") as tell:
                stored = Stored.of(self.store, run)
                audited = self._audited(run, fixed.population)
                odd = self._audit(run, version, stored, fixed, audited, accepted=accept is not None)
                tell(rows=fixed.population.rows)
            findings = (*otherwise, *stale, *odd)
            log.info("night_audited", findings=findings, accepted=accept)
            reason = "; ".join(filter(None, (why, accept))) or repair_told(run)
            with stages("publish"):
                publication = self.store.publish(run, reason, findings, go_on=self.go_on)
        except Exception as error:
            self._keep_failure(claimed, error)
            raise
        summary = self._summary(run, publication, stored, done_now=len(todo), started=started, already=False)
        counts = summary.model_dump(include={"scored", "quarantined", "carried", "by_challenger"})
        log.info("night_published", revision=run.revision, **counts, seconds=round(summary.seconds, 2))
        return Ended(run, summary, audited.sample)

    def _keep_failure(self, run: Run, error: Exception) -> None:
        """Keep why a run failed. A ledger that cannot keep it must not hide why: a retry mends only that."""
        ours = refused(error) if isinstance(error, REFUSALS) else error
        try:
            self.store.fail(run, f"{type(ours).__name__}: {self.advised(ours)}")
        except NightjarError as unkept:
            log.warning("failure_not_kept", error=str(unkept))

    def _fresh(self, run: Run, *, accepted: bool) -> tuple[str, ...]:
        """The features of the run that are too old, if a person accepted that."""
        generations = self.inputs.generations(run) or {}
        elsewhere = self.inputs.stale(run)
        return self.guard.require_fresh(
            run, self.inputs.raw, generations, elsewhere=elsewhere, accepted=accepted
        )

    def _with_population(self, run: Run, repair: Repair | None, drawing: Drawing, stages: Stages) -> Run:
        """The run with its population. drawing: takes it on its way if it is stored now."""
        if run.population is not None:
            return run
        base = None if run.base_id is None else self.store.run(run.base_id)
        if base is not None and _served(base) != _served(run):
            with stages("snapshot"):
                return self.store.record_population(run, self.inputs.fix_again(base, drawing))
        if run.base_id is None and self.inputs.spec.streamed:
            return self._with_streamed_population(run, drawing, stages)
        with stages("population") as tell:
            rows = self._population_of(run, repair)
            if rows.is_empty():
                raise self._no_population(run)
            tell(rows=rows.height, size=int(rows.estimated_size()))
        with stages("snapshot") as tell:
            tell(rows=rows.height)
            return self.store.record_population(run, self.inputs.fix(rows, drawing))

    def _with_streamed_population(self, run: Run, drawing: Drawing, stages: Stages) -> Run:
        with stages("population") as tell:
            population = self.inputs.fix_streamed(run.score_date, run.known_at, drawing)
            if population is None:
                raise self._no_population(run)
            tell(rows=population.rows)
        return self.store.record_population(run, population)

    def _no_population(self, run: Run) -> BadDelivery | NoPopulation:
        """The error for a night without rows.

        Either nothing landed, or the delivery is set aside, or the model takes none of its rows.
        """
        spec, landed = self.inputs.spec, self.inputs.landed(run.score_date, run.known_at)
        refusal = None if landed else self._refused(run)
        if refusal is None:
            return no_population(spec, run.score_date, run.known_at, landed)
        why = f"nothing else of {refusal.dataset} has landed for that day"
        return refusal.wanted_by(run.model, run.score_date, why)

    def _refused(self, run: Run) -> Refusal | None:
        """The newest delivery set aside that the population would have read."""
        spec = self.inputs.spec
        return newest(
            refusal
            for window in spec.population_reads
            for refusal in refused_for(
                self.inputs.raw.refused(window.dataset),
                *files_of(spec, window, run.score_date),
                run.known_at,
            )
        )

    def _population_of(self, run: Run, repair: Repair | None) -> pl.DataFrame:
        """The population of a run. A continued run may have an earlier known-at than this repair."""
        if run.base_id is None:
            return self.inputs.population(run.score_date, run.known_at)
        if repair is None or repair.known_at != run.known_at:
            repair = repair_of(self.inputs, self.store, self.store.run(run.base_id), run.known_at)
        return repair.population

    def _prepared(self, run: Run, drawing: Drawing, stages: Stages, go_on: GoOn) -> Prepared:
        """It is read while parts are scored. What is computed once more needs none of the rows."""
        with stages("draw") as tell, self.beside(partial(self._computed, run)) as computed:
            population = self.inputs.drawn(run, drawing, go_on)
            tell(rows=population.rows)
            past = self.guard.past(run, self.inputs.raw, population.counted)
            return Prepared(population, computed(), past)

    def _computed(self, run: Run, _: GoOn) -> Computed:
        return {} if self.second is None else self.second.computed(run, self.inputs.raw)

    def _audited(self, run: Run, population: Drawn) -> Audited:
        sampled = self._with_features(run, population.sample)
        compared = self._compared(run, population, sampled)
        keys = pl.concat([sampled["entity_key"], compared["entity_key"]]).unique()
        return Audited(sampled, compared, self.store.scores_for(run, keys))

    def _with_features(self, run: Run, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with their features if there are any."""
        return self.inputs.with_features(rows, run) if rows.height else rows

    def _compared(self, run: Run, population: Drawn, sampled: pl.DataFrame) -> pl.DataFrame:
        """The rows whose entities are compared with those of other nights, with their features."""
        whole = population.alike.height == sampled.height == population.rows
        return sampled if whole else self._with_features(run, population.alike)

    def _audit(
        self,
        run: Run,
        version: Version,
        stored: Stored,
        fixed: Prepared,
        audited: Audited,
        *,
        accepted: bool,
    ) -> tuple[str, ...]:
        sampled, compared, scores = audited.sampled, audited.compared, audited.scores
        generations = self.inputs.generations(run) or {}
        of_training = self.guard.of_training(version, generations)
        misread = self._misread(run, sampled, generations, fixed.computed)
        otherwise, doubts = self._scored_otherwise(run, sampled, scores)
        beside_others = (
            as_kept(compared, scores, self.inputs.spec, run.score_date) if compared.height else compared
        )
        unlike = self.guard.unlike(run, fixed.population.counted, beside_others, fixed.past)
        far = beyond_training(beside_others, self.inputs.ranges_trained_on(version))
        return self.guard.require_sound(
            run,
            parts_of(run),
            stored.receipts,
            stored.scores,
            sampled=sampled,
            otherwise=otherwise,
            unlike=(*misread, *unlike, *far, *of_training, *doubts),
            past=fixed.past,
            accepted=accepted,
            held=partial(self.guard.held_days, run, self.inputs.raw),
        )

    def _misread(
        self, run: Run, sampled: pl.DataFrame, generations: Generations, computed: Computed
    ) -> tuple[Finding, ...]:
        if self.second is None or sampled.is_empty():
            return ()
        return (*self.second.findings(run, sampled, generations, computed),)

    def _scored_otherwise(
        self, run: Run, sampled: pl.DataFrame, scores: pl.DataFrame
    ) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
        """Keys of the sampled rows that would be served another score now, and a doubt about the challenger.

        scores: stored ones, of more rows too. They can differ because parts are read at different moments,
        and the inputs read are not kept.
        """
        if sampled.is_empty():
            return (), ()
        _, fresh = split_carried(sampled)
        again = self.inputs.scores(run, self.inputs.check(self.inputs.spec, fresh).valid)
        stored = scores.join(fresh, on="entity_key", how="semi")
        shadow = scored_otherwise(by_challenger(stored), by_challenger(again))
        return (
            scored_otherwise(stored, as_served(again)),
            tuple(challenger_irreproducible(shadow, fresh.height)),
        )

    def _as_it_is(self, run: Run, publication: Publication, started: float) -> Ended:
        """The result of an attempt that had nothing to do."""
        stored = Stored.of(self.store, run)
        return Ended(run, self._summary(run, publication, stored, done_now=0, started=started, already=True))

    def _summary(
        self,
        run: Run,
        publication: Publication,
        stored: Stored,
        *,
        done_now: int,
        started: float,
        already: bool,
    ) -> NightSummary:
        receipts, scores = stored.receipts, stored.scores
        return NightSummary(
            model=run.model,
            score_date=run.score_date,
            as_of=run.as_of,
            run_id=run.id,
            revision=run.revision,
            version_number=self.inputs.registry.version_by_id(run.version_id).number,
            population=sum(receipt.rows for receipt in receipts),
            scored=sum(receipt.scored for receipt in receipts),
            carried=scores.carried,
            by_challenger=scores.by_challenger,
            quarantined=sum(receipt.quarantined for receipt in receipts),
            parts=len(receipts),
            parts_done_now=done_now,
            mean_score=scores.mean if scores.rows else None,
            already_published=already,
            published_at=publication.published_at,
            seconds=time.monotonic() - started,
            without_challenger=0 if run.challenger_id is None else scores.rows - scores.shadowed,
        )
