"""The one place where the platform is wired: settings in, use cases with their real adapters out.

Everything is made when first asked for, and imported then too: `nightjar --help` needs none of it.
"""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nightjar.core.errors.database import RoleHasNoPassword, SchemaOutdated
from nightjar.core.errors.inputs import NoPopulation
from nightjar.core.errors.model import NoChampion
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of
from nightjar.core.night.entities import PartJob, Receipt
from nightjar.core.ports.execution import PartExecutor
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.progress import Progress, asking, silent
from nightjar.core.upkeep.retention import Policy
from nightjar.wiring.settings import PROJECT, Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db.server.embedded import EmbeddedPostgres
    from db.stores.drift import PostgresDriftLedger
    from db.stores.registry import PostgresRegistry
    from db.stores.scores import PostgresScoreStore
    from nightjar.adapters.deliveries.raw_days import RawFiles
    from nightjar.adapters.feast.source import FeastFeatureSource
    from nightjar.adapters.files.artifacts import FsspecArtifacts
    from nightjar.adapters.files.feature_tables import FeatureDirectory
    from nightjar.adapters.files.shelves import FolderShelf
    from nightjar.adapters.learners.store import PredictorStore
    from nightjar.usecases.data.landing import Tell
    from nightjar.usecases.lifecycle.retrain import RetrainSummary
    from nightjar.usecases.monitoring.follow_up import FollowUp, Step
    from nightjar.usecases.monitoring.monitor import WatchNight
    from nightjar.usecases.scoring.backfill import Backfill
    from nightjar.usecases.scoring.inputs import NightInputs
    from nightjar.usecases.scoring.night import ScoreNight
    from nightjar.usecases.scoring.rollback import RolledBack
    from nightjar.usecases.upkeep.prune import Prune

Role = Literal["owner", "writer", "analyst"]
DATABASE = "nightjar"


@dataclass(frozen=True)
class Platform:
    """The platform as configured. Cheap to make; what is asked of it starts the embedded Postgres if that is the database.

    go_on: what every use case asks between its steps.
    """

    settings: Settings = field(default_factory=Settings)
    go_on: GoOn = unasked

    # --- the database -------------------------------------------------------------------------------------------------

    @cached_property
    def local(self) -> "EmbeddedPostgres":
        """The Postgres of the wheel, whether it runs or not."""
        from db.server.embedded import EmbeddedPostgres

        as_json = {"log_destination": "jsonlog"} if self.settings.log_format == "json" else {}
        return EmbeddedPostgres(self.settings.home, as_json)

    @cached_property
    def embedded(self) -> "EmbeddedPostgres | None":
        """The Postgres of the wheel, running; None where NIGHTJAR_DATABASE_URL names another."""
        if self.settings.database_url is not None:
            return None
        self.local.start()
        return self.local

    def url(self, role: Role) -> str:
        """A URL for psql. Raises RoleHasNoPassword for a role whose password is not set on a Postgres of yours."""
        if self.embedded is not None:
            return self.embedded.url(role, DATABASE)
        from db.urls import read

        settings = self.settings
        assert settings.database_url is not None
        given = read(settings.database_url.get_secret_value())  # a URL that is none is told before a password that is missing
        if role == "owner":
            return (given if settings.database_password is None else given.changed(password=settings.database_password.get_secret_value())).text
        password = {"writer": settings.writer_password, "analyst": settings.analyst_password}[role]
        if password is None:
            raise RoleHasNoPassword(role)
        return given.changed(user=f"nightjar_{role}", password=password.get_secret_value()).text

    @cached_property
    def engine(self) -> "Engine":
        """Connections of the writer: all that flows may do. Raises SchemaOutdated before anything is half done."""
        return self._migrated("writer", pool_size=self.settings.threads + self.settings.nights_at_once + 2)

    def _migrated(self, role: Role, *, pool_size: int) -> "Engine":
        from db.migrate import head, require_head
        from db.session import make_engine

        if self.embedded is not None and not self.embedded.has_database(DATABASE):
            raise SchemaOutdated(None, head())
        engine = make_engine(self.url(role), pool_size=pool_size)
        require_head(engine)
        return engine

    def migrate(self) -> str:
        """Bring roles and schema to what the code needs; return the migration that it is at."""
        from db.migrate import head, upgrade
        from db.server.roles import ensure_roles

        if self.embedded is not None:
            self.embedded.ensure_database(DATABASE)
            ensure_roles(self.embedded.url("admin", DATABASE), self.embedded.passwords)
        else:
            ensure_roles(self.url("owner"), self._foreign_passwords())
        upgrade(self.url("owner"), wait_s=self.settings.night_wait_s)
        return head()

    def prefect_database(self) -> str:
        """Prefect's own database, on the Postgres of the wheel also where the scores lie in another."""
        from db.urls import read

        self.local.start()
        self.local.ensure_database("prefect")
        return read(self.local.url("owner", "prefect")).for_sqlalchemy("asyncpg")

    def _foreign_passwords(self) -> dict[str, str]:
        given = {"writer": self.settings.writer_password, "analyst": self.settings.analyst_password}
        return {role: password.get_secret_value() for role, password in given.items() if password is not None}

    # --- adapters -----------------------------------------------------------------------------------------------------

    @cached_property
    def store(self) -> "PostgresScoreStore":
        from db.stores.scores import PostgresScoreStore

        return PostgresScoreStore(self.engine)

    @cached_property
    def registry(self) -> "PostgresRegistry":
        from db.stores.registry import PostgresRegistry

        return PostgresRegistry(self.engine)

    @cached_property
    def drift_ledger(self) -> "PostgresDriftLedger":
        from db.stores.drift import PostgresDriftLedger

        return PostgresDriftLedger(self.engine)

    @cached_property
    def artifacts(self) -> "FsspecArtifacts":
        from nightjar.adapters.files.artifacts import FsspecArtifacts

        return FsspecArtifacts(self.settings.artifacts)

    @cached_property
    def predictors(self) -> "PredictorStore":
        """One a process: the parts of a night share what it has loaded."""
        from nightjar.adapters.learners.store import PredictorStore

        return PredictorStore(self.artifacts)

    @cached_property
    def raw(self) -> "RawFiles":
        from nightjar.adapters.deliveries.raw_days import RawFiles

        return RawFiles(self.settings.data, self.settings.max_delivery_mb * 10**6)

    @cached_property
    def feature_files(self) -> "FeatureDirectory":
        from nightjar.adapters.files.feature_tables import FeatureDirectory

        return FeatureDirectory(self.settings.data)

    @cached_property
    def features(self) -> "FeastFeatureSource":
        from db.session import translated
        from nightjar.adapters.feast.source import FeastFeatureSource

        folder = self.settings.data / "features"
        return FeastFeatureSource(self.settings.feature_repo, self._feature_registry("writer"), folder, translated=translated)

    def apply_features(self) -> None:
        """Tell Feast's registry what the models declare. At deploy time, never inside a flow."""
        from db.session import translated
        from nightjar.adapters.feast.source import apply

        apply(self.settings.feature_repo, self._feature_registry("owner"), self.settings.data / "features", translated=translated)

    def _feature_registry(self, role: Role) -> str:
        from db.urls import read

        return read(self.url(role)).searching("feast").for_sqlalchemy()

    # --- use cases ----------------------------------------------------------------------------------------------------

    def ready(self, spec: ModelSpec, until: datetime, progress: Progress = silent, tell: "Tell | None" = None) -> None:
        """Land what the outside world has delivered by `until` and build the features of it.

        Only what is missing is done. A bad delivery is set aside and stops nothing here. tell: is called for each that
        is set aside now; without it, that is logged.
        """
        with self._building(spec):
            self._land(spec, until, progress, tell)
            self._build(spec, until, progress)

    def land(self, spec: ModelSpec, until: datetime, progress: Progress = silent, tell: "Tell | None" = None) -> None:
        """Land what the outside world has delivered by `until`, and build nothing of it yet."""
        with self._building(spec):
            self._land(spec, until, progress, tell)

    def _land(self, spec: ModelSpec, until: datetime, progress: Progress, tell: "Tell | None") -> None:
        from nightjar.usecases.data.landing import land_until, log_refusal

        told = tell or log_refusal
        land_until(spec, raw=self.raw, inbox=self._inbox_of(spec), until=until, tell=told, progress=asking(progress, self.go_on))

    def _inbox_of(self, spec: ModelSpec) -> Path:
        return self.settings.data / "inbox" / spec.name

    def undelivered(self, spec: ModelSpec, dates: Sequence[date], known_at: datetime | None = None) -> tuple[date, ...]:
        """The score dates that have no population. Cheap: nothing is landed or built."""
        from nightjar.usecases.data.landing import undelivered

        return undelivered(spec, dates, raw=self.raw, inbox=self._inbox_of(spec), known_at=known_at)

    def require_scorable(self, spec: ModelSpec, dates: Sequence[date], known_at: datetime | None = None) -> None:
        """Say at once what would end the scoring of these dates anyway, after what takes long.

        Raises NoChampion, NoPopulation where no date has one, MissingFeatures.
        """
        if self.registry.holder(spec.name, "champion") is None:
            raise NoChampion(spec.name)
        if dates and len(self.undelivered(spec, dates, known_at)) == len(set(dates)):
            first, last = min(dates), max(dates)
            raise NoPopulation(spec.name, first, spec.population_dataset, known_at or as_of(spec, last), 0, last)
        self.features.require(spec)

    def corrected(self, spec: ModelSpec, known_at: datetime | None = None, progress: Progress = silent) -> datetime:
        """Build the features of what has landed by `known_at`, corrections included, without asking the outside world for more.

        None: of all that has landed by now. Returns that instant.
        """
        known = known_at or datetime.now(UTC).replace(microsecond=0)
        with self._building(spec):
            self._build(spec, known, progress)
        return known

    def _building(self, spec: ModelSpec) -> AbstractContextManager[None]:
        from db.locks import exclusive

        return exclusive(self.engine, f"features of {spec.name}", wait_s=self.settings.night_wait_s, go_on=self.go_on)

    def _build(self, spec: ModelSpec, known_at: datetime, progress: Progress) -> None:
        from nightjar.usecases.data.features import build_features

        build_features(spec, raw=self.raw, features=self.feature_files, known_at=known_at, progress=asking(progress, self.go_on))

    def night_inputs(self, spec: ModelSpec) -> "NightInputs":
        """All that a model sees of a night."""
        from nightjar.adapters.contracts import check
        from nightjar.usecases.scoring.inputs import NightInputs

        return NightInputs(
            spec=spec,
            raw=self.raw,
            features=self.features,
            artifacts=self.artifacts,
            predictors=self.predictors,
            registry=self.registry,
            check=check,
        )

    def score_part(self, job: PartJob) -> Receipt:
        """Carry out a part job: what a worker does, wherever it runs."""
        import models
        from nightjar.usecases.scoring.part import ScorePart

        spec = models.model(self.store.run(job.run_id).model)
        return ScorePart(self.night_inputs(spec), self.store, self.go_on)(job)

    def score_night(self, spec: ModelSpec, step: "Step | None" = None, executor: PartExecutor | None = None) -> "ScoreNight":
        """One night, and what follows its publication. step: how each step of that is done. executor: what carries out its parts."""
        from db.stores.profiles import PostgresInputProfiles
        from nightjar.executors.in_turn import InTurn
        from nightjar.usecases.scoring.guard import NightGuard
        from nightjar.usecases.scoring.night import ScoreNight

        return ScoreNight(
            inputs=self.night_inputs(spec),
            store=self.store,
            guard=NightGuard(spec=spec, files=self.feature_files, profiles=PostgresInputProfiles(self.engine)),
            executor=executor or InTurn(self.score_part),
            follow=self.follow_up(spec, step),
            go_on=self.go_on,
        )

    def follow_up(self, spec: ModelSpec, step: "Step | None" = None) -> "FollowUp":
        """What follows every publication. step: how each step of it is done."""
        from nightjar.usecases.monitoring.follow_up import FollowUp, patiently

        return FollowUp(watch=self.watch_night(spec), step=step or patiently)

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
    ) -> "Backfill":
        """Many nights, `parallel` at a time. Raises BadSettings for more than the connection pool was made for."""
        from nightjar.usecases.scoring.backfill import Backfill

        if not 1 <= parallel <= self.settings.nights_at_once:
            raise BadSettings(
                f"{parallel} nights cannot be scored at once", f"Name 1 to {self.settings.nights_at_once}, or raise NIGHTJAR_NIGHTS_AT_ONCE."
            )
        return Backfill(
            night=self.score_night(spec, step, executor),
            wait_s=self.settings.night_wait_s,
            parallel=parallel,
            flow_run=flow_run,
            known_at=known_at,
            accept=accept,
        )

    def roll_back(self, spec: ModelSpec, score_date: date, run_id: int, reason: str) -> "RolledBack":
        from nightjar.usecases.scoring.rollback import roll_back

        return roll_back(self.store, spec.name, score_date, run_id, reason, follow=self.follow_up(spec))

    def watch_night(self, spec: ModelSpec) -> "WatchNight":
        from db.stores.outcomes import PostgresOutcomes
        from nightjar.adapters.reports import EvidentlyReportWriter
        from nightjar.usecases.monitoring.monitor import WatchNight

        return WatchNight(
            inputs=self.night_inputs(spec),
            store=self.store,
            outcomes=PostgresOutcomes(self.engine),
            ledger=self.drift_ledger,
            writer=EvidentlyReportWriter(),
            go_on=self.go_on,
        )

    def retrain(self, spec: ModelSpec, today: date, *, promote: bool = True, progress: Progress = silent) -> "RetrainSummary":
        """Train on all that was known on the evening of `today` (local), and promote what passes the gates.

        Builds features, of what has landed, when there is enough to train on.
        """
        self.go_on()
        from nightjar.usecases.lifecycle.retrain import retrain

        known_at = self.evening(spec, today)
        return retrain(
            spec,
            known_at=known_at,
            raw=self.raw,
            features=self.features,
            artifacts=self.artifacts,
            predictors=self.predictors,
            registry=self.registry,
            code_version=code_version(),
            promote=promote,
            progress=asking(progress, self.go_on),
            build=lambda: self._build_to_train(spec, known_at, progress),
        )

    def _build_to_train(self, spec: ModelSpec, known_at: datetime, progress: Progress) -> None:
        self.features.require(spec)
        with self._building(spec):
            self._build(spec, known_at, progress)

    @contextmanager
    def prune(self) -> "Iterator[Prune]":
        """What forgets what nobody needs, on connections of the owner. Raises OwnerNeeded, SchemaOutdated."""
        from db.stores.holdings import PostgresHoldings, require_owner
        from nightjar.usecases.upkeep.prune import Prune

        engine = self._migrated("owner", pool_size=1)
        try:
            require_owner(engine)
            yield Prune(
                policy=self._policy(), holdings=PostgresHoldings(engine), artifacts=self.artifacts, drafts=self._drafts(), inbox=self._inbox()
            )
        finally:
            engine.dispose()

    def _policy(self) -> Policy:
        settings = self.settings
        return Policy(
            unpublished=timedelta(days=settings.keep_unpublished_days),
            inbox=timedelta(days=settings.keep_inbox_days),
            grace=timedelta(days=settings.keep_unnamed_days),
        )

    def _drafts(self) -> "FolderShelf":
        from nightjar.adapters.files.shelves import FolderShelf

        store = self.artifacts.local_path(self.artifacts.url)
        return FolderShelf("drafts of killed writers", (self.settings.data, *([] if store is None else [store])), drafts=True)

    def _inbox(self) -> "FolderShelf":
        from nightjar.adapters.files.shelves import FolderShelf

        places = (self.settings.data / "inbox", self.settings.data / "refused" / "settled")
        return FolderShelf("copies of delivered files", places, drafts=False)

    @staticmethod
    def evening(spec: ModelSpec, today: date) -> datetime:
        """The instant on a local day at which its schedule takes stock: the as-of of the night it scores.

        It is now if that evening is still to come: what is measured as of then would miss corrections that land before it.
        """
        evening = as_of(spec, today + timedelta(days=spec.horizon_days))
        return min(evening, datetime.now(UTC).replace(microsecond=0))

    def close(self) -> None:
        """Give back connections; a running embedded Postgres goes on for the next command."""
        if "engine" in self.__dict__:
            self.engine.dispose()


@cache
def code_version() -> str:
    """What code made a version: the commit where there is one, else the package's version."""
    if shutil.which("git") is None:
        return metadata.version("nightjar")
    git = subprocess.run(["git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True, check=False)
    return git.stdout.strip() if git.returncode == 0 else metadata.version("nightjar")
