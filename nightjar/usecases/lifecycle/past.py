"""The versions of the past that a new one is compared with: the champion, and the best of those before it."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import ArtifactBroken, BadSpec
from nightjar.core.kinds.metrics import Of
from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.lifecycle.comparing import best_of_the_past
from nightjar.core.lifecycle.training_set import DAY, embargo
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.artifacts import Artifacts
from nightjar.core.ports.learners import Predictors
from nightjar.core.ports.registry import Registry
from nightjar.usecases.lifecycle.documents import read_evidence
from nightjar.usecases.lifecycle.measuring import Shown, losses_on, published_by

SCORED = {"score": pl.Float64(), "outputs": OUTPUTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of the versions before a new one."""

    spec: ModelSpec
    registry: Registry
    artifacts: Artifacts
    predictors: Predictors

    def shown(self, champion: Version | None, unseen: pl.DataFrame) -> Mapping[Of, Shown]:
        """What the champion and the anchor publish for the rows that a new version has not seen.

        The anchor is the one beside which the champion was judged, or the champion itself once it is surely
        better on these rows.
        """
        if champion is None:
            return {}
        reigning = self._shown(self._as_judged(champion), unseen)
        before = self._anchor_of(champion, unseen)
        both = {Of.CHAMPION: reigning, Of.ANCHOR: before or reigning}
        if before is None:
            return both
        nights = losses_on(self.spec.kind, unseen, both).by_night()
        stays = best_of_the_past(nights, self.spec.certainty.alpha) is Of.ANCHOR
        return both if stays else {**both, Of.ANCHOR: reigning}

    def _as_judged(self, version: Version) -> Version:
        """The version that was judged for it. A refit has seen the days that judge the next version."""
        number = version.refit_of
        return (number and self.registry.version(version.model, number)) or version

    def _anchor_of(self, champion: Version, unseen: pl.DataFrame) -> Shown | None:
        """None if the champion had no other, or if that cannot be asked any more."""
        try:
            evidence = read_evidence(champion, self.artifacts)
        except ArtifactBroken:
            return None
        number = evidence.anchor if evidence else None
        version = None if number is None else self.registry.version(champion.model, number)
        return None if version is None else self._shown(version, unseen)

    def _shown(self, version: Version, unseen: pl.DataFrame) -> Shown:
        """Rows whose outcomes share days with those that the version was trained on are not fresh.

        No row is if the version cannot be asked: its inputs may be others than those of today, or its kind.
        """
        fresh = unseen[DAY] > version.trained_through + embargo(self.spec)
        try:
            predictor = self.predictors.load(self.spec, version)
            published = published_by(self.spec.kind, predictor, version.calibration, unseen)
        except (ArtifactBroken, BadSpec, ContractBroken):
            return nothing_shown(unseen.height, version.number)
        return Shown(published=published, fresh=fresh, number=version.number)


def nothing_shown(rows: int, number: int) -> Shown:
    nothing = pl.DataFrame({"score": [None] * rows, "outputs": [None] * rows}, SCORED)
    return Shown(published=nothing, fresh=pl.repeat(value=False, n=rows, eager=True), number=number)
