"""All that is known of a version, gathered for its card."""

from collections.abc import Sequence
from dataclasses import dataclass

from nightjar.core.errors.model import ArtifactBroken
from nightjar.core.errors.settings import BadSettings
from nightjar.core.lifecycle.backtest import Results, results_of
from nightjar.core.lifecycle.evidence import Evidence
from nightjar.core.lifecycle.walk import Plan
from nightjar.core.model.entities import Dataset, Promotion, Version
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.entities import Measurement
from nightjar.core.ports.artifacts import Artifacts
from nightjar.core.ports.backtests import Backtests
from nightjar.core.ports.nights import NightReader
from nightjar.core.ports.outcomes import Outcomes
from nightjar.core.ports.registry import Registry
from nightjar.usecases.lifecycle.backtest import scored_by
from nightjar.usecases.lifecycle.documents import read_evidence
from nightjar.usecases.scoring.scorers import version_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a card tells of a version.

    judged: the version whose gates count; another one for a refit. evidence: of that one; None if there is
    none, or its file is gone. ledger: the promotions of the version, newest first. nights: those that it
    scored and that were measured, oldest first. backtest: plan and results of the newest one.
    """

    spec: ModelSpec
    version: Version
    judged: Version
    evidence: Evidence | None
    dataset: Dataset | None
    ledger: tuple[Promotion, ...]
    nights: tuple[Measurement, ...]
    backtest: tuple[Plan, Results] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsOf:
    """Gathers them. It only reads."""

    spec: ModelSpec
    registry: Registry
    artifacts: Artifacts
    store: NightReader
    outcomes: Outcomes
    backtests: Backtests

    def __call__(self, number: int | None) -> Facts:
        """number: of the version; None: the champion, or else the newest. Raises NoVersion, BadSettings."""
        version = self._version(number)
        of_recipe = (
            None if version.refit_of is None else self.registry.version(self.spec.name, version.refit_of)
        )
        judged = of_recipe or version
        datasets = {dataset.id: dataset for dataset in self.registry.datasets(self.spec.name)}
        ledger = self.registry.promotions(self.spec.name)
        return Facts(
            spec=self.spec,
            version=version,
            judged=judged,
            evidence=self._evidence(judged),
            dataset=datasets.get(version.dataset_id),
            ledger=tuple(row for row in ledger if row.version_id == version.id),
            nights=self._nights(version),
            backtest=self._backtest(),
        )

    def _version(self, number: int | None) -> Version:
        model = self.spec.name
        if number is not None:
            return version_of(self.registry, model, number)
        found = self.registry.holder(model, "champion") or next(iter(self.registry.versions(model)), None)
        if found is None:
            raise BadSettings(f"{model} has no version", "Registered: none.")
        return found

    def _evidence(self, judged: Version) -> Evidence | None:
        try:
            return read_evidence(judged, self.artifacts)
        except ArtifactBroken:
            return None

    def _nights(self, version: Version) -> tuple[Measurement, ...]:
        measured = self.outcomes.measured(self.spec.name, whole=True)
        shown = {night.run_id for night in self.store.published(self.spec.name)}
        own = [night for night in measured if night.run_id in shown and night.version_id == version.id]
        return tuple(sorted(own, key=lambda night: night.score_date))

    def _backtest(self) -> tuple[Plan, Results] | None:
        """None also where its files are gone, or are of another kind of model."""
        found = self.backtests.newest(self.spec.name)
        if found is None:
            return None
        name, plan = found
        try:
            scored = scored_by(self.backtests.steps(name), self.artifacts)
            return plan, results_of(self.spec.kind, scored)
        except (ArtifactBroken, ValueError):
            return None


def windows_told(version: Version) -> Sequence[tuple[str, str, str, int]]:
    """Use, first and last score date, and number of rows that a version was made of."""
    recorded = {} if version.record is None else version.record.windows
    return [(use, str(rows.first), str(rows.last), rows.rows) for use, rows in recorded.items()]
