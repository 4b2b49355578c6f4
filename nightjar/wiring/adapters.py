"""The configured adapters: one of each per process."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.wiring.database import Database, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.stores.backtests import PostgresBacktests
    from db.stores.drift import PostgresDriftLedger
    from db.stores.nights import PostgresNights
    from db.stores.outcome_checks import PostgresOutcomeChecks
    from db.stores.outcomes import PostgresOutcomes
    from db.stores.profiles import PostgresInputProfiles
    from db.stores.readings import PostgresReadings
    from db.stores.registry import PostgresRegistry
    from db.stores.stages import PostgresStages
    from nightjar.adapters.deliveries.raw_days import RawFiles
    from nightjar.adapters.feast.chosen import ChosenFeatures
    from nightjar.adapters.files.artifacts import FsspecArtifacts
    from nightjar.adapters.files.feature_tables import FeatureDirectory
    from nightjar.adapters.files.generation_shelf import GenerationShelf
    from nightjar.adapters.files.rehearsed import RehearsedFiles
    from nightjar.adapters.files.shared_features import SharedFeatures
    from nightjar.adapters.files.shelves import FolderShelf
    from nightjar.adapters.learners.store import PredictorStore
    from nightjar.adapters.telemetry.meter import ProcessMeter
    from nightjar.core.monitoring.outcome_guard import Held
    from nightjar.core.ports.raw import RawStore

INBOX = "inbox"
"""The folder of the data in which feeds put what they deliver."""


@dataclass(frozen=True)
class Adapters(Database):
    """Makes each adapter, and imports its libraries, at the first use.

    `nightjar --help` needs none of them.
    """

    @cached_property
    def store(self) -> "PostgresNights":
        from db.stores.nights import PostgresNights

        return PostgresNights(self.engine)

    @cached_property
    def readings(self) -> "PostgresReadings":
        from db.stores.readings import PostgresReadings

        return PostgresReadings(self.engine)

    @cached_property
    def input_profiles(self) -> "PostgresInputProfiles":
        from db.stores.profiles import PostgresInputProfiles

        return PostgresInputProfiles(self.engine)

    @cached_property
    def outcomes(self) -> "PostgresOutcomes":
        from db.stores.outcomes import PostgresOutcomes

        return PostgresOutcomes(self.engine)

    @cached_property
    def backtests(self) -> "PostgresBacktests":
        from db.stores.backtests import PostgresBacktests

        return PostgresBacktests(self.engine)

    @cached_property
    def stages(self) -> "PostgresStages":
        from db.stores.stages import PostgresStages

        return PostgresStages(self.engine)

    @cached_property
    def meter(self) -> "ProcessMeter":
        """One meter per process: the stages that run at once share its CPU time."""
        from nightjar.adapters.telemetry.meter import ProcessMeter
        from nightjar.adapters.telemetry.senders import senders

        return ProcessMeter(keep=(self.stages.record, *senders(os.environ, self.stages.installation)))

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
        """One store per process: the parts of a night share its loaded models."""
        from nightjar.adapters.learners.store import PredictorStore

        return PredictorStore(self.artifacts)

    @cached_property
    def raw(self) -> "RawFiles":
        """The raw days that were delivered, of all models."""
        from nightjar.adapters.deliveries.raw_days import RawFiles

        return RawFiles(
            self.settings.data,
            self.settings.max_delivery_mb * 10**6,
            self._held,
        )

    def _held(self, dataset: str) -> "Held":
        # Asked at each reading: a store of raw days is there before a database is.
        return self.outcome_checks.held(dataset)

    @cached_property
    def outcome_checks(self) -> "PostgresOutcomeChecks":
        from db.stores.outcome_checks import PostgresOutcomeChecks

        return PostgresOutcomeChecks(self.engine)

    def raw_of(self, spec: ModelSpec) -> "RawStore":
        """The raw days of a model: what was delivered, and tables that are read where they lie."""
        if len(spec.delivered) == len(spec.datasets):
            return self.raw
        from db.refusals import lasting
        from nightjar.adapters.tables.sources import RawSources
        from nightjar.wiring.settings import environment

        return RawSources.of(spec, self.raw, environment(), lasting)

    def inbox_of(self, spec: ModelSpec) -> Path:
        return self.settings.data / INBOX / spec.name

    @cached_property
    def feature_files(self) -> "FeatureDirectory":
        from nightjar.adapters.files.feature_tables import FeatureDirectory

        return FeatureDirectory(self.settings.data)

    @cached_property
    def rehearsed(self) -> "RehearsedFiles":
        from nightjar.adapters.files.rehearsed import RehearsedFiles

        return RehearsedFiles(self.settings.data / "rehearsed")

    @staticmethod
    def recipe_of(table: FeatureTable) -> str:
        from nightjar.adapters.source_code import module_source
        from nightjar.core.model.recipe import recipe_of

        return recipe_of(table, module_source)

    @staticmethod
    def recipes_of_model(spec: ModelSpec) -> "Mapping[str, str]":
        from nightjar.adapters.source_code import module_source
        from nightjar.core.model.recipe import recipes_of_model

        return recipes_of_model(spec, module_source)

    @cached_property
    def features(self) -> "ChosenFeatures":
        return self.features_in(self.settings.data / "features")

    def features_in(self, folder: Path) -> "ChosenFeatures":
        """The features of all models, with the feature tables of a folder."""
        from db.session import translated
        from nightjar.adapters.feast.chosen import ChosenFeatures
        from nightjar.adapters.feast.source import FeastFeatureSource

        registry = self._feature_registry("writer")
        return ChosenFeatures(
            FeastFeatureSource(self.settings.feature_repo, registry, folder, translated=translated)
        )

    @cached_property
    def shared_features(self) -> "SharedFeatures":
        from nightjar.adapters.files.shared_features import SharedFeatures

        return SharedFeatures(self.artifacts)

    def apply_features(self) -> None:
        """Write the models' declarations to Feast's registry. Only at deploy time, never inside a flow."""
        from db.session import translated
        from nightjar.adapters.feast.source import apply

        apply(
            self.settings.feature_repo,
            self._feature_registry("owner"),
            self.settings.data / "features",
            translated=translated,
        )

    def _feature_registry(self, role: Role) -> str:
        from db.urls import read

        return read(self.url(role)).searching("feast").for_sqlalchemy()

    def drafts(self) -> "FolderShelf":
        from nightjar.adapters.files.shelves import FolderShelf

        store = self.artifacts.local_path(self.artifacts.url)
        return FolderShelf(
            "drafts of killed writers", (self.settings.data, *([] if store is None else [store])), drafts=True
        )

    def old_generations(self, alone: Callable[[], AbstractContextManager[None]]) -> "GenerationShelf":
        from nightjar.adapters.files.generation_shelf import GenerationShelf

        return GenerationShelf(self.settings.data / "features", alone)

    def inbox_copies(self) -> "FolderShelf":
        from nightjar.adapters.files.shelves import FolderShelf

        places = (self.settings.data / INBOX, self.settings.data / "refused" / "settled")
        return FolderShelf("copies of delivered files", places, drafts=False)
