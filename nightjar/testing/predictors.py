"""Models that score by a formula. Nothing is trained and nothing is loaded from a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Formula:
    """Implements `nightjar.core.model.spec.Predictor`. score: an expression over the columns of the rows."""

    score: pl.Expr
    algorithm: str = "formula"

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        return frame.with_columns(score=self.score.cast(pl.Float64))["score"]

    def params(self) -> Mapping[str, Any]:
        return {"score": str(self.score)}

    def save(self, path: Path) -> None:
        path.write_bytes(self.score.meta.serialize())


@dataclass(frozen=True, slots=True)
class Formulas:
    """Implements what a night needs of `nightjar.core.ports.learners.Predictors`. of: gives a formula."""

    of: Callable[[Version], pl.Expr]

    # A formula holds its inputs, so it needs no spec.
    def load(self, spec: ModelSpec, version: Version) -> Formula:  # noqa: ARG002
        return Formula(self.of(version))
