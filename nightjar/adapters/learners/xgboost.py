"""XGBoost models, kept as UBJSON."""

import json
from collections.abc import Mapping, Sequence
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
    from xgboost import Booster

TWO = frozenset({"binary:logistic", "reg:logistic"})
"""Objectives that give the probability of the second of two outcomes."""

CATEGORY, NUMBER = "c", "float"
"""How XGBoost tells the types of columns."""

UNFIT = {
    "multi:softmax": "which gives classes: train with multi:softprob",
    "binary:logitraw": "which gives log odds: train with binary:logistic",
    "binary:hinge": "which gives classes: train with binary:logistic",
}


@dataclass(frozen=True, slots=True)
class XGBoostPredictor:
    """Implements spec.Predictor. `booster` was fitted on `columns.matrix`, with `names_and_types` of them.

    kind: of the spec that it was fitted for.
    """

    booster: "Booster"
    columns: Columns
    kind: Kind = BINARY
    algorithm: str = "xgboost"

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        return answered(self.kind, self.columns.matrix(frame), self._ask)

    def contributions(self, frame: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        """Implements contributions.Explains: SHAP values along the paths of the trees, in 32 bits."""
        matrix = self.columns.matrix(frame)
        return explained(
            self.kind,
            self.algorithm,
            self.columns.names,
            self.predict(frame),
            lambda: self._predicted(matrix, pred_contribs=True),
        )

    def _ask(self, matrix: np.ndarray) -> np.ndarray:
        raw = self._predicted(matrix)
        return both(raw) if self.kind.probabilities and raw.ndim == 1 else raw

    def _predicted(self, matrix: np.ndarray, **what: bool) -> np.ndarray:
        rows = library("xgboost").DMatrix(
            matrix,
            feature_names=self.booster.feature_names,
            feature_types=self.booster.feature_types,
            enable_categorical=True,
        )
        return np.asarray(self.booster.predict(rows, iteration_range=(0, self._rounds), **what))

    @property
    def _rounds(self) -> int:
        """Those up to the best one, if training was stopped early."""
        best = self.booster.attr("best_iteration")
        return self.booster.num_boosted_rounds() if best is None else int(best) + 1

    def params(self) -> Mapping[str, Any]:
        """trees: the rounds that training chose, each of which has a tree for each class."""
        told = _config(self.booster)
        return {
            "objective": told["objective"]["name"],
            **told["learner_model_param"],
            "trees": self._rounds,
        }

    def save(self, path: Path) -> None:
        self.booster.set_attr(**{RECORD: self.columns.record()})
        path.write_bytes(self.booster.save_raw("ubj"))

    @classmethod
    def load(cls, path: Path, kind: Kind, told: Description = UNDESCRIBED) -> "XGBoostPredictor":
        """Raises UnfitModel, one of `UNUSABLE`, or an error of XGBoost's for bytes that are no model."""
        content = bytearray(path.read_bytes())
        if not content.startswith(b"{"):  # XGBoost ends the process if there is nothing to read
            raise UnfitModel(path, "it is neither JSON nor UBJSON", "Save it with `Booster.save_model`.")
        booster = library("xgboost").Booster()
        booster.load_model(content)
        _require_objective(path, booster, kind)
        record = booster.attr(RECORD)
        return cls(booster, Columns.read(record) if record else _columns(path, booster, told), kind)


def names_and_types(columns: Columns) -> Mapping[str, Sequence[str]]:
    """What XGBoost's data classes are to be told of columns, as keywords."""
    types = [CATEGORY if name in columns.codes else NUMBER for name in columns.names]
    return {"feature_names": list(columns.names), "feature_types": types}


def _require_objective(path: Path, booster: "Booster", kind: Kind) -> None:
    told = _config(booster)
    objective, outcomes = told["objective"]["name"], int(told["learner_model_param"]["num_class"])
    if objective in UNFIT or objective.startswith(("rank:", "survival:")):
        problem = f"its objective is {objective}, {UNFIT.get(objective, 'which predicts no outcome')}"
        raise UnfitModel(path, problem, "Register a version with another objective.")
    require_answers(path, objective, 2 if objective in TWO else outcomes or None, kind)


def _columns(path: Path, booster: "Booster", told: Description) -> Columns:
    """The columns of a model without our attribute. From XGBoost 3.1 on it may hold its categories."""
    names = booster.feature_names or [f"f{place}" for place in range(booster.num_features())]
    kept = booster.get_categories(export_to_arrow=True).to_arrow() if CATEGORY in _types(booster) else []
    categories = {name: tuple(values.to_pylist()) for name, values in kept if values is not None}
    return Columns.described(path, names, told.knowing(categories))


def _types(booster: "Booster") -> Sequence[str]:
    return booster.feature_types or ()


def _config(booster: "Booster") -> Mapping[str, Any]:
    return json.loads(booster.save_config())["learner"]
