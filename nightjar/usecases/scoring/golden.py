"""Predict golden rows again: a version must give what it gave at its registration."""

from dataclasses import dataclass

import polars as pl

from nightjar.core.errors.model import PredictsOtherwise
from nightjar.core.lifecycle.golden import GIVEN, given_otherwise
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.artifacts import Artifacts
from nightjar.core.ports.learners import Predictors


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """What versions of a model give for rows."""

    spec: ModelSpec
    artifacts: Artifacts
    predictors: Predictors

    def given(self, version: Version, rows: pl.DataFrame) -> pl.DataFrame:
        """`score` and `outputs` of each row. Raises ArtifactBroken, BadSpec, ContractBroken."""
        answer = self.predictors.load(self.spec, version).predict(rows)
        where = f"scores by {version.model} version {version.number}"
        return self.spec.kind.published(where, answer, version.calibration)

    def otherwise(self, version: Version) -> str | None:
        """How it differs for its golden rows from what was kept, in words.

        None if it does not, and for a version of before golden rows. Raises as `given`.
        """
        if version.golden_uri is None:
            return None
        kept = pl.read_parquet(self.artifacts.get(version.golden_uri, version.golden_sha256), glob=False)
        return given_otherwise(kept, self.given(version, kept.drop(GIVEN)), version.algorithm)

    def require_as_registered(self, version: Version) -> None:
        """Raises PredictsOtherwise."""
        if other := self.otherwise(version):
            raise PredictsOtherwise(version.model, version.number, other)
