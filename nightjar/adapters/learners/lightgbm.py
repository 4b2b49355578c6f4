"""LightGBM models, kept in its text format."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from nightjar.adapters.learners.answers import answered, both, explained, require_answers
from nightjar.adapters.learners.columns import RECORD, Columns
from nightjar.adapters.learners.libraries import library
from nightjar.core.errors.model import UnfitModel
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.kind import Kind
from nightjar.core.model.description import UNDESCRIBED, Description

if TYPE_CHECKING:
    from lightgbm import Booster

OF_PANDAS = "pandas_categorical"
"""LightGBM reads this line at the very end of the text, so ours stands before it."""

TWO = frozenset({"binary", "cross_entropy"})
"""Objectives that give the probability of the second of two outcomes."""

UNFIT = {
    "multiclassova": "whose probabilities do not add up to 1: train with `multiclass`",
    "lambdarank": "which ranks and predicts no outcome",
    "rank_xendcg": "which ranks and predicts no outcome",
    "none": "so what its numbers mean is not known: train with an objective of LightGBM's",
}

TOLD = str | int | float | bool
"""Parameters of these types are kept with a version."""


@dataclass(frozen=True, slots=True)
class LightGBMPredictor:
    """Implements spec.Predictor. `booster` was fitted on `columns.matrix` under the names of the columns.

    kind: of the spec that it was fitted for.
    """

    booster: "Booster"
    columns: Columns
    kind: Kind = BINARY
    algorithm: str = "lightgbm"

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        return answered(self.kind, self.columns.matrix(frame), self._ask)

    def contributions(self, frame: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        """Implements contributions.Explains: SHAP values along the paths of the trees."""
        matrix, width = self.columns.matrix(frame), len(self.columns.names) + 1

        def ask() -> np.ndarray:
            told = np.asarray(self.booster.predict(matrix, pred_contrib=True))
            return told if told.shape[1] == width else told.reshape(len(told), -1, width)

        return explained(self.kind, self.algorithm, self.columns.names, self.predict(frame), ask)

    def _ask(self, matrix: np.ndarray) -> np.ndarray:
        raw = np.asarray(self.booster.predict(matrix))
        return both(raw) if self.kind.probabilities and raw.ndim == 1 else raw

    def params(self) -> Mapping[str, Any]:
        """trees: the rounds that training chose, each of which has a tree for each class."""
        told = {name: value for name, value in self.booster.params.items() if isinstance(value, TOLD)}
        best = self.booster.best_iteration  # at most 0 where training was not stopped early
        return {**told, "trees": best if best > 0 else self.booster.current_iteration()}

    def save(self, path: Path) -> None:
        """The columns stand in a line of their own, which LightGBM passes over."""
        model, mark, end = self.booster.model_to_string().rpartition(f"{OF_PANDAS}:")
        path.write_text(f"{model}{RECORD}:{self.columns.record()}\n\n{mark}{end}")

    @classmethod
    def load(cls, path: Path, kind: Kind, told: Description = UNDESCRIBED) -> "LightGBMPredictor":
        """Raises UnfitModel, one of `UNUSABLE`, or an error of LightGBM's for a text that is no model."""
        text = path.read_text()
        if not text.startswith("tree\n"):
            raise UnfitModel(path, "it is no model of LightGBM's", "Save it with `Booster.save_model`.")
        _require_objective(path, text, kind)
        booster = library("lightgbm").Booster(model_str=text)
        record = _line(text, f"{RECORD}:")
        if record is not None:
            return cls(booster, Columns.read(record), kind)
        return cls(booster, _columns(path, text, booster.feature_name(), told), kind)


def _require_objective(path: Path, text: str, kind: Kind) -> None:
    objective = (_line(text, "objective=") or "none").split(" ")[0]
    if objective in UNFIT:
        remedy = "Register a version with another objective."
        raise UnfitModel(path, f"its objective is {objective!r}, {UNFIT[objective]}", remedy)
    outcomes = int(_line(text, "num_class=") or 1)
    found = 2 if objective in TWO else outcomes if outcomes > 1 else None
    require_answers(path, objective, found, kind)


def _columns(path: Path, text: str, names: list[str], told: Description) -> Columns:
    """The columns of a text without our line."""
    places = (_line(text, "[categorical_feature: ") or "").rstrip("]").split(",")
    categorical = [names[int(place)] for place in places if place]
    kept = json.loads(_line(text, f"{OF_PANDAS}:") or "null") or []
    of_pandas = dict(zip(categorical, kept, strict=True)) if len(kept) == len(categorical) else {}
    return Columns.described(path, names, told.knowing(of_pandas))


def _line(text: str, start: str) -> str | None:
    """The rest of the last line with this start."""
    found = re.findall(f"^{re.escape(start)}(.*)$", text, re.MULTILINE)
    return found[-1] if found else None
