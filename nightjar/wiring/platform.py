"""The use cases with their real adapters, for flows, commands and workers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from nightjar.core.errors.inputs import DataGone
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import evening_by_now
from nightjar.core.night.entities import PartJob, Receipt
from nightjar.core.night.same_code import Terms
from nightjar.core.ports.advice import Advise, unadvised
from nightjar.core.ports.execution import PartExecutor
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.progress import Progress, asking, silent
from nightjar.core.upkeep.retention import Policy
from nightjar.wiring.adapters import INBOX, Adapters
from nightjar.wiring.settings import PROJECT

if TYPE_CHECKING:
    from db.stores.incidents import PostgresIncidents
    from nightjar.adapters.files.shared_features import Shared
    from nightjar.core.model.description import Description
    from nightjar.core.ports.desk import DeskReader
    from nightjar.core.ports.features import FeatureSource
    from nightjar.core.ports.telling import Consumer
    from nightjar.usecases.data.outcome_guard import GuardOutcomes
    from nightjar.usecases.data.prepare import Prepare
    from nightjar.usecases.explaining.night import ExplainNight
    from nightjar.usecases.explaining.row import ExplainRow
    from nightjar.usecases.lifecycle.backtest import Backtest
    from nightjar.usecases.lifecycle.differences import Differences
    from nightjar.usecases.lifecycle.facts import FactsOf
    from nightjar.usecases.lifecycle.origins import Elsewhere, Origin
    from nightjar.usecases.lifecycle.retrain import RetrainSummary
    from nightjar.usecases.lifecycle.tune import Tune
    from nightjar.usecases.monitoring.challenge import JudgeChallenger
    from nightjar.usecases.monitoring.estimate import EstimateNights
    from nightjar.usecases.monitoring.follow_up import FollowUp, Step
    from nightjar.usecases.monitoring.measure import MeasureNights
    from nightjar.usecases.monitoring.monitor import WatchNight
    from nightjar.usecases.scoring.backfill import Backfill
    from nightjar.usecases.scoring.inputs import NightInputs
    from nightjar.usecases.scoring.night import ScoreNight
    from nightjar.usecases.scoring.replay import Replay
    from nightjar.usecases.scoring.rollback import RolledBack
    from nightjar.usecases.scoring.scorable import RequireScorable
    from nightjar.usecases.scoring.scorers import Choose, RequireGates
    from nightjar.usecases.scoring.switch import SwitchNight
    from nightjar.usecases.telling.incidents import Channel, TellPeople
    from nightjar.usecases.telling.looking import LookAtModel
    from nightjar.usecases.telling.publications import TellConsumers
    from nightjar.usecases.upkeep.prune import Prune


NOT_THERE = "is not there"
CLAIMS_AT_ONCE = 16
"""Parts of so many nights may be scored in one process, before one of them lists its folders once more."""


def lacking(folder: Path) -> str:
    """Why nothing has landed in a folder of data. Empty if something has.

    A folder on which a disk is not mounted is empty, but for what a feed gave whoever asked what it has.
    """
    try:
        return "" if any(each.name != INBOX for each in folder.iterdir()) else "is empty"
    except FileNotFoundError:
        return NOT_THERE
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def name_of_url(url: str) -> str:
    """A short name that tells nothing of a URL but its kind, and is the same for the same URL."""
    kind, known, _ = url.partition("://")
    return f"{kind if known else 'URL'} {sha256(url.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Platform(Adapters):
    """The configured platform.

    go_on: called by every use case between its steps. advised: completes the errors that use cases keep or
    show. parts: makes what carries out the parts of nights, so many of one at once; None: threads of this
    process.
    """

    go_on: GoOn = unasked
    advised: Advise = unadvised
    parts: "Callable[[Platform, int], PartExecutor] | None" = None

    def prepare(self, spec: ModelSpec) -> "Prepare":
        """The use case that prepares the data for nights.

        Processes of one model take turns, and so do models that share a feature table.
        """
        from nightjar.usecases.data.prepare import Prepare

        return Prepare(
            spec=spec,
            raw=self.raw_of(spec),
            feature_files=self.feature_files,
            recipe_of=self.recipe_of,
            inbox=self.inbox_of(spec),
            alone=lambda: self._features_of(
                spec.name,
                *sorted(f"feature table {table.name}" for table in spec.feature_tables),
                wait_s=self.settings.night_wait_s,
            ),
            go_on=self.go_on,
            # A database is asked for when days are checked, which may be after a migration.
            guard=lambda: self.guard_outcomes(spec)(),  # noqa: PLW0108  # it is made when it is called
            require_data=partial(self.require_data, spec),
        )

    def require_data(self, spec: ModelSpec) -> None:
        """Raises DataGone if the data folder has nothing in it, although a version was trained on it."""
        if spec.delivered and (why := lacking(self.settings.data)) and self.registry.versions(spec.name):
            raise DataGone(self.settings.data, why)

    def guard_outcomes(self, spec: ModelSpec) -> "GuardOutcomes":
        """The check of delivered days of outcomes, and what a person decides of those that are held."""
        from nightjar.usecases.data.outcome_guard import GuardOutcomes

        return GuardOutcomes(
            spec=spec,
            raw=self.raw_of(spec),
            checks=self.outcome_checks,
            recipes=self.recipes_of_model,
        )

    def require_gates(self, spec: ModelSpec) -> "RequireGates":
        """What a version is held to that a person names."""
        from nightjar.usecases.lifecycle.todays_gates import require_todays_gates

        return partial(require_todays_gates, spec, artifacts=self.artifacts)

    def require_scorable(self, spec: ModelSpec) -> "RequireScorable":
        """The check to run before data is prepared for some dates."""
        from nightjar.usecases.scoring.scorable import RequireScorable

        return RequireScorable(spec, self.prepare(spec).undelivered, self.registry, self.features)

    def night_inputs(self, spec: ModelSpec, features: "FeatureSource | None" = None) -> "NightInputs":
        """All inputs of a model for a night. features: None for those of the data folder."""
        from nightjar.adapters.contracts import check
        from nightjar.usecases.scoring.inputs import NightInputs

        return NightInputs(
            spec=spec,
            raw=self.raw_of(spec),
            features=self.features if features is None else features,
            artifacts=self.artifacts,
            predictors=self.predictors,
            registry=self.registry,
            check=check,
        )

    def terms(self) -> Terms:
        """What a worker must share with this process, to score parts of its nights."""
        from nightjar.adapters.same_code import terms_of

        settings = self.settings
        database = f"the embedded one in {settings.home}" if settings.database_url is None else "a server"
        places = {"the artifact store": settings.artifacts, "the database": database}
        return {**terms_of(PROJECT, settings.feature_repo), **places}

    @cached_property
    def _inputs_of_claim(self) -> "Callable[[str, str, FeatureSource | None], NightInputs]":
        """The inputs of a night, by its claim and its model: all parts of an attempt share them here."""
        import models

        @lru_cache(CLAIMS_AT_ONCE)
        def of_claim(claim: str, name: str, features: "FeatureSource | None") -> "NightInputs":  # noqa: ARG001
            return self.night_inputs(models.model(name), features).listed_once()

        return of_claim

    def score_part(self, job: PartJob, features: "FeatureSource | None" = None) -> Receipt:
        """Carry out a part job, on any worker. features: None for those of the data folder."""
        from nightjar.usecases.scoring.part import ScorePart

        scoring = ScorePart(
            inputs=lambda name: self._inputs_of_claim(job.claim, name, features),
            store=self.store,
            go_on=self.go_on,
            meter=self.meter,
        )
        return scoring(job)

    def share_features(self, run_id: int) -> "Shared | None":
        """Store what a run reads of its feature tables where workers find it. None: it reads none."""
        import models

        run = self.store.run(run_id)
        spec = models.model(run.model)
        generations = self.night_inputs(spec).generations(run)
        if generations is None:
            return None
        folder = self.settings.data / "features"
        return self.shared_features.share(folder, spec.feature_tables, generations, run.as_of)

    def score_night(
        self, spec: ModelSpec, step: "Step | None" = None, executor: PartExecutor | None = None
    ) -> "ScoreNight":
        """The use case for one night, with the steps after its publication.

        step: carries out each step. executor: carries out the night's parts; None: threads of this process.
        """
        from nightjar.core.ports.rehearsal import unrehearsed
        from nightjar.usecases.scoring.anew import Anew
        from nightjar.usecases.scoring.guard import NightGuard
        from nightjar.usecases.scoring.night import ScoreNight
        from nightjar.usecases.scoring.rehearsal import Rehearsal
        from nightjar.usecases.scoring.second_reading import SecondReading

        inputs = self.night_inputs(spec)
        rehearse = Rehearsal(inputs, self.rehearsed, self.terms) if self.settings.rehearse else unrehearsed
        return ScoreNight(
            inputs=inputs,
            store=self.store,
            guard=NightGuard(
                spec=spec,
                files=self.feature_files,
                profiles=self.input_profiles,
                readings=self.readings,
                rehearse=rehearse,
                held=self.outcome_checks.held,
                recipes_of_model=self.recipes_of_model,
            ),
            second=SecondReading(
                spec=spec,
                tables=self.feature_files,
                anew=Anew(spec=spec, files=self.feature_files, recipe_of=self.recipe_of),
            ),
            executor=executor or self._parts_at_once(self.settings.threads),
            follow=self.follow_up(spec, step, inputs),
            go_on=self.go_on,
            advised=self.advised,
            meter=self.meter,
        )

    def _parts_at_once(self, count: int) -> PartExecutor:
        return self.parts(self, count) if self.parts else self.on_threads(count)

    def on_threads(self, count: int) -> PartExecutor:
        """What carries out the parts of a night on so many threads of this process."""
        from nightjar.executors.in_turn import InTurn
        from nightjar.executors.pools import Threads

        return InTurn(self.score_part) if count == 1 else Threads(self.score_part, count)

    def follow_up(
        self, spec: ModelSpec, step: "Step | None" = None, inputs: "NightInputs | None" = None
    ) -> "FollowUp":
        """The steps after every publication. step: carries out each of them.

        inputs: those of the night, if it is scored here. Then the training sample is read once for all.
        """
        from nightjar.usecases.monitoring.follow_up import FollowUp, metered, patiently

        shared = inputs or self.night_inputs(spec)
        return FollowUp(
            watch=replace(self.watch_night(spec), inputs=shared),
            measure=self.measure_nights(spec),
            explain=replace(self.explain_night(spec), inputs=shared),
            estimate=self.estimate_nights(spec),
            judge=self.judge_challenger(spec),
            step=metered(step or patiently, self.meter),
            advised=self.advised,
        )

    def explain_night(self, spec: ModelSpec) -> "ExplainNight":
        """The use case that stores the reasons of a published run."""
        from db.stores.reasons import PostgresReasons
        from nightjar.usecases.explaining.night import ExplainNight

        return ExplainNight(
            inputs=self.night_inputs(spec), store=self.store, ledger=PostgresReasons(self.engine)
        )

    def judge_challenger(self, spec: ModelSpec) -> "JudgeChallenger":
        from nightjar.usecases.monitoring.challenge import JudgeChallenger

        return JudgeChallenger(spec=spec, registry=self.registry, outcomes=self.outcomes)

    def explain_row(self, spec: ModelSpec) -> "ExplainRow":
        """The use case that says why one published row got its score."""
        from nightjar.usecases.explaining.lineage import Lineage
        from nightjar.usecases.explaining.row import ExplainRow

        night = self.explain_night(spec)
        lineage = Lineage(inputs=night.inputs, tables=self.feature_files)
        return ExplainRow(night=night, store=self.store, lineage=lineage)

    def backfill(
        self,
        spec: ModelSpec,
        *,
        parallel: int = 1,
        flow_run: str | None = None,
        executor: PartExecutor | None = None,
        step: "Step | None" = None,
        known_at: datetime | None = None,
        accept: str | None = None,
        choose: "Choose | None" = None,
    ) -> "Backfill":
        """The use case for many nights, `parallel` at a time.

        choose: the versions that score each night; None: those of then.

        Raises BadSettings if `parallel` is more than the connection pool allows.
        """
        from nightjar.usecases.scoring.backfill import Backfill
        from nightjar.usecases.scoring.scorers import by_then

        if not 1 <= parallel <= self.settings.nights_at_once:
            raise BadSettings(
                f"{parallel} nights cannot be scored at once",
                f"Name 1 to {self.settings.nights_at_once}, or raise NIGHTJAR_NIGHTS_AT_ONCE.",
            )
        # Several nights at once take their parts in turn.
        one_night = executor or self._parts_at_once(self.settings.threads if parallel == 1 else 1)
        return Backfill(
            night=self.score_night(spec, step, one_night),
            wait_s=self.settings.night_wait_s,
            parallel=parallel,
            flow_run=flow_run,
            known_at=known_at,
            accept=accept,
            choose=choose or by_then,
        )

    def roll_back(self, spec: ModelSpec, score_date: date, run_id: int, reason: str) -> "RolledBack":
        from nightjar.usecases.scoring.rollback import roll_back

        return roll_back(self.store, spec.name, score_date, run_id, reason, follow=self.follow_up(spec))

    def differences(self, spec: ModelSpec) -> "Differences":
        """What compares two versions of a model."""
        from nightjar.usecases.lifecycle.differences import Differences

        return Differences(self.night_inputs(spec), self.store)

    def switch_night(self, spec: ModelSpec) -> "SwitchNight":
        """The use case that shows another version's scores of a published night."""
        from nightjar.executors.in_turn import InTurn
        from nightjar.usecases.scoring.switch import ExchangePart, SwitchNight

        exchange = InTurn(ExchangePart(self.store, self.go_on, self.meter))
        return SwitchNight(self.score_night(spec), self.score_night(spec, executor=exchange))

    def replay(self, spec: ModelSpec) -> "Replay":
        """The use case that scores a run again and compares."""
        from nightjar.adapters.code_version import code_version
        from nightjar.adapters.surroundings import surroundings_of
        from nightjar.usecases.lifecycle.differences import changed_since
        from nightjar.usecases.scoring.replay import Replay

        return Replay(
            inputs=self.night_inputs(spec),
            store=self.store,
            profiles=self.input_profiles,
            changed_since=lambda version: changed_since(
                version, code_version(PROJECT), surroundings_of(spec, version, self.recipe_of)
            ),
        )

    def watch_night(self, spec: ModelSpec) -> "WatchNight":
        from nightjar.adapters.reports import EvidentlyReportWriter
        from nightjar.usecases.monitoring.monitor import WatchNight

        return WatchNight(
            inputs=self.night_inputs(spec),
            store=self.store,
            profiles=self.input_profiles,
            ledger=self.drift_ledger,
            writer=EvidentlyReportWriter(),
            meter=self.meter,
        )

    def measure_nights(self, spec: ModelSpec) -> "MeasureNights":
        from nightjar.usecases.monitoring.measure import MeasureNights

        return MeasureNights(
            inputs=self.night_inputs(spec),
            store=self.store,
            outcomes=self.outcomes,
            go_on=self.go_on,
        )

    def estimate_nights(self, spec: ModelSpec) -> "EstimateNights":
        """The use case that estimates metrics of nights before their outcomes are known."""
        from db.stores.expectations import PostgresExpectations
        from nightjar.usecases.monitoring.estimate import EstimateNights

        return EstimateNights(
            inputs=self.night_inputs(spec),
            store=self.store,
            outcomes=self.outcomes,
            readings=self.readings,
            ledger=PostgresExpectations(self.engine),
        )

    def read_elsewhere(self, spec: ModelSpec, file: Path, told: "Description") -> "Elsewhere":
        """A version that was trained elsewhere, held to the spec. `retrain` takes it as `origin`."""
        from nightjar.usecases.lifecycle.origins import read_elsewhere

        return read_elsewhere(spec, file, told, self.predictors)

    def look_at(self, spec: ModelSpec) -> "LookAtModel":
        """What gathers the facts about a model that the rules of alerts look at."""
        from nightjar.usecases.telling.looking import LookAtModel

        return LookAtModel(
            spec=spec,
            store=self.store,
            registry=self.registry,
            outcomes=self.outcomes,
            drift=self.drift_ledger,
            raw=self.raw_of(spec),
            guard=self.guard_outcomes(spec),
            readings=self.readings,
            has_data=lambda: not lacking(self.settings.data),
        )

    def incidents(self) -> "PostgresIncidents":
        from db.stores.incidents import PostgresIncidents

        return PostgresIncidents(self.engine)

    def ways_to_people(self) -> "dict[str, Channel]":
        """The receivers of alerts, by the names of their channels. A name holds no URL. Needs no database."""
        from nightjar.adapters.notify.people import way_to
        from nightjar.core.telling.incidents import Severity
        from nightjar.usecases.telling.incidents import Channel

        everything = frozenset(Severity)
        return {
            f"alert {least.value} {name_of_url(url.get_secret_value())}": Channel(
                everything if least is Severity.WARNING else frozenset({least}), way_to(url)
            )
            for least, url in self.settings.alerts
        }

    def tell_people(self) -> "TellPeople":
        """The use case that tells people of incidents."""
        from db.stores.dispatches import PostgresDispatches
        from nightjar.usecases.telling.incidents import TellPeople

        return TellPeople(
            dispatches=PostgresDispatches(self.engine),
            channels=self.ways_to_people(),
            ui=self.settings.ui,
        )

    def tell_consumers(self, others: "Mapping[str, Consumer]") -> "TellConsumers":
        """The use case that tells programs of publications.

        others: beside those of the settings, by the name of their channel. Raises BadSettings.
        """
        from db.stores.dispatches import PostgresDispatches
        from nightjar.usecases.telling.publications import TellConsumers

        consumers = {**self.webhooks(), **others}
        return TellConsumers(dispatches=PostgresDispatches(self.engine), consumers=consumers)

    def webhooks(self) -> "Mapping[str, Consumer]":
        """The programs of the settings, by the name of their channel. Raises BadSettings."""
        from nightjar.adapters.notify.webhook import Webhook

        keys = self.settings.webhook_keys
        return {f"webhook {name}": Webhook(url, keys) for name, url in self.settings.consumers.items()}

    def retrain(
        self,
        spec: ModelSpec,
        today: date,
        *,
        promote: bool = True,
        progress: Progress = silent,
        origin: "Origin | None" = None,
    ) -> "RetrainSummary":
        """Train on all data known on the evening of `today` (local), and promote if the gates pass.

        The features of landed data are built if there is enough history to train on. origin: of the
        predictor; None: it is fitted here.
        """
        self.go_on()
        from nightjar.adapters.code_version import code_version
        from nightjar.adapters.surroundings import surroundings
        from nightjar.usecases.lifecycle.retrain import retrain

        known_at = evening_by_now(spec, today)
        return retrain(
            spec,
            known_at=known_at,
            raw=self.raw_of(spec),
            features=self.features,
            artifacts=self.artifacts,
            predictors=self.predictors,
            registry=self.registry,
            code_version=code_version(PROJECT),
            promote=promote,
            origin=origin,
            progress=asking(progress, self.go_on),
            build=lambda: self.prepare(spec).corrected(known_at, progress),
            surroundings=lambda algorithm: surroundings(spec, algorithm, self.recipe_of),
            as_scored=self.night_inputs(spec).as_scored,
        )

    def tune(self, spec: ModelSpec, progress: Progress = silent) -> "Tune":
        """The use case that searches parameters. It reads the features that are built."""
        from time import monotonic

        from nightjar.adapters.files.trials import TrialFiles
        from nightjar.adapters.proposing import propose
        from nightjar.adapters.surroundings import surroundings
        from nightjar.usecases.lifecycle.tune import Tune

        return Tune(
            spec=spec,
            raw=self.raw_of(spec),
            features=self.features,
            trials=TrialFiles(self.settings.home / "searches" / spec.name),
            propose=propose,
            code=surroundings(spec, "", self.recipe_of).code,
            clock=monotonic,
            progress=asking(progress, self.go_on),
        )

    def backtest(self, spec: ModelSpec, progress: Progress = silent) -> "Backtest":
        """The use case that walks forward through past nights. It reads the features that are built."""
        from nightjar.adapters.code_version import code_version
        from nightjar.adapters.contracts import check
        from nightjar.adapters.learners.store import PredictorStore
        from nightjar.adapters.memory_registry import MemoryRegistry
        from nightjar.adapters.surroundings import surroundings
        from nightjar.usecases.lifecycle.backtest import Backtest

        return Backtest(
            spec=spec,
            raw=self.raw_of(spec),
            features=self.features,
            artifacts=self.artifacts,
            predictors=PredictorStore(self.artifacts),
            registry=MemoryRegistry(),
            store=self.backtests,
            check=check,
            code_version=code_version(PROJECT),
            code={**surroundings(spec, "", self.recipe_of).code, "the code": self.terms()["the code"]},
            progress=asking(progress, self.go_on),
        )

    def facts_of(self, spec: ModelSpec) -> "FactsOf":
        """Gathers what is known of a version."""
        from nightjar.usecases.lifecycle.facts import FactsOf

        return FactsOf(
            spec=spec,
            registry=self.registry,
            artifacts=self.artifacts,
            store=self.store,
            outcomes=self.outcomes,
            backtests=self.backtests,
        )

    def desk_reader(self) -> "DeskReader":
        """What the desk reads, with the rights of an analyst. Raises SchemaOutdated, RoleHasNoPassword."""
        from db.stores.desk import PostgresDesk

        return PostgresDesk(self.url("analyst"))

    @contextmanager
    def prune(self) -> "Iterator[Prune]":
        """The use case `Prune`, on connections of the owner. Raises OwnerNeeded, SchemaOutdated."""
        from db.stores.holdings import PostgresHoldings, require_owner
        from nightjar.usecases.scoring.snapshot import generations_named
        from nightjar.usecases.upkeep.prune import Prune

        engine = self.migrated("owner", pool_size=1)
        try:
            require_owner(engine)
            yield Prune(
                policy=self._policy(),
                holdings=PostgresHoldings(engine),
                artifacts=self.artifacts,
                drafts=self.drafts(),
                inbox=self.inbox_copies(),
                features=self.old_generations(self._nobody_builds),
                generations_named=partial(generations_named, self.artifacts),
            )
        finally:
            engine.dispose()

    @contextmanager
    def _nobody_builds(self) -> "Iterator[None]":
        """Hold the features of every model. Raises WorkBusy at once if a process builds some."""
        import models

        with ExitStack() as held:
            for name in sorted(models.MODELS):
                held.enter_context(self._features_of(name, wait_s=0))
            yield

    def _features_of(self, model: str, *tables: str, wait_s: float) -> AbstractContextManager[None]:
        """The lock on the features of a model: who builds them and who prunes them take the same one.

        tables: locks on what it shares with other models, sorted.
        """
        from db.locks import exclusive

        return exclusive(self.engine, f"features of {model}", *tables, wait_s=wait_s, go_on=self.go_on)

    def _policy(self) -> Policy:
        settings = self.settings
        return Policy(
            unpublished=timedelta(days=settings.keep_unpublished_days),
            inbox=timedelta(days=settings.keep_inbox_days),
            grace=timedelta(days=settings.keep_unnamed_days),
        )
