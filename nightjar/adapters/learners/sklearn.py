"""Scikit-learn models, kept as .skops files. No pickle is read or written."""

import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nightjar.adapters.learners.additive import Raw, additive_contributions
from nightjar.adapters.learners.answers import answered, explained, require_answers, require_classes
from nightjar.adapters.learners.columns import (
    FAMILIES,
    described_names,
    inputs,
    kept_categories,
    read_categories,
)
from nightjar.core.errors.model import UnfitModel
from nightjar.core.explaining.contributions import Unexplained, centred, margins
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.kind import Kind
from nightjar.core.model.categories import UNKNOWN, CastCategories, Categories
from nightjar.core.model.description import UNDESCRIBED, Description

TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "numpy.dtype")
"""All that a .skops file may hold beyond what skops itself trusts."""


EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SklearnPredictor:
    """Implements spec.Predictor. `pipeline` was fitted on the columns of `inputs`.

    categories: of the rows that it was fitted on. kind: of the spec that it was fitted for.
    """

    pipeline: Any
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    categories: Categories | CastCategories = UNKNOWN
    kind: Kind = BINARY
    algorithm: str = "sklearn"

    def __post_init__(self) -> None:
        """Raises WrongLearner for an estimator that does not fit the kind."""
        self.kind.require_learner(
            type(self.pipeline[-1]).__name__,
            classifies=hasattr(self.pipeline, "classes_"),
            gives_probabilities=hasattr(self.pipeline, "predict_proba"),
        )

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        return answered(self.kind, self._inputs(frame), self._ask)

    def contributions(self, frame: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:
        """Implements contributions.Explains for linear models."""
        estimator = self.pipeline[-1]
        if not hasattr(estimator, "coef_"):
            raise Unexplained(self.algorithm, f"{type(estimator).__name__} is not linear")
        names, raw = (*self.categorical, *self.numeric), self._raw(sample[:1])
        return explained(
            self.kind,
            self.algorithm,
            names,
            self.predict(frame),
            lambda: additive_contributions(names, raw, frame, sample),
        )

    def _raw(self, row: pl.DataFrame) -> Raw:
        """Gives raw scores by outcome. Those of `decision_function` are exact, if they are log odds."""
        if not self.kind.probabilities:
            return lambda frame: self.predict(frame).to_numpy()[:, None]
        if hasattr(self.pipeline, "decision_function"):
            decided = self._decided(row)
            if np.allclose(decided, self._margins(row), atol=1e-3):
                return self._decided
        return self._margins

    def _margins(self, frame: pl.DataFrame) -> np.ndarray:
        return margins(self.kind, self.predict(frame).to_numpy())

    def _decided(self, frame: pl.DataFrame) -> np.ndarray:
        told = self._given(self.pipeline.decision_function, self._inputs(frame))
        return centred(told if told.ndim > 1 else np.column_stack([-told / 2, told / 2]))

    def _ask(self, rows: pl.DataFrame) -> Any:
        ask = self.pipeline.predict_proba if self.kind.probabilities else self.pipeline.predict
        return self._given(ask, rows)

    def _inputs(self, frame: pl.DataFrame) -> pl.DataFrame:
        return inputs(frame, self.categorical, self.numeric, self.categories)

    def _given(self, ask: Any, rows: pl.DataFrame) -> Any:
        names = getattr(self.pipeline, "feature_names_in_", None)  # none if it was fitted on an array
        return ask(rows.to_numpy() if names is None else rows.select(names))

    def params(self) -> Mapping[str, Any]:
        """Of its last step, the estimator."""
        found = self.pipeline[-1].get_params()
        return {
            "estimator": type(self.pipeline[-1]).__name__,
            **{name: value for name, value in found.items() if isinstance(value, str | int | float | bool)},
        }

    def save(self, path: Path) -> None:
        import skops.io  # noqa: PLC0415  # imports scikit-learn

        content = {
            "pipeline": self.pipeline,
            "categorical": list(self.categorical),
            "numeric": list(self.numeric),
        }
        if (kept := kept_categories(self.categories)) is not None:
            content[FAMILIES] = kept
        with tempfile.TemporaryDirectory() as folder:
            dumped = Path(folder) / "dumped.skops"
            skops.io.dump(content, dumped)
            _canonical(dumped, path)

    @classmethod
    def load(cls, path: Path, kind: Kind, told: Description = UNDESCRIBED) -> "SklearnPredictor":
        """Raises UnfitModel, and skops' UntrustedTypesFoundException for anything beyond TRUSTED."""
        import skops.io  # noqa: PLC0415  # imports scikit-learn

        loaded = skops.io.load(path, trusted=list(TRUSTED))
        content = loaded if isinstance(loaded, dict) else _from_elsewhere(path, loaded, told)
        pipeline = content["pipeline"]
        outcomes = len(pipeline.classes_) if hasattr(pipeline, "predict_proba") else None
        require_answers(path, f"that of {type(pipeline[-1]).__name__}", outcomes, kind)
        if outcomes:
            require_classes(path, pipeline.classes_, kind)
        names = tuple(content["categorical"]), tuple(content["numeric"])
        return cls(pipeline, *names, read_categories(content.get(FAMILIES)), kind)


def _from_elsewhere(path: Path, fitted: Any, told: Description) -> Mapping[str, Any]:
    """What a file of ours holds, of a file that holds an estimator or a pipeline alone."""
    from sklearn.pipeline import Pipeline  # noqa: PLC0415  # takes a second to import

    made_up = map(str, range(getattr(fitted, "n_features_in_", 0)))
    named = hasattr(fitted, "feature_names_in_")
    names = described_names(path, list(map(str, fitted.feature_names_in_ if named else made_up)), told)
    categorical = [name for name in names if name in (told.texts or ())]
    if categorical and not named:
        problem = f"it was fitted on an array, which does not say where the texts {categorical} are"
        raise UnfitModel(path, problem, "Fit it on a frame with named columns.")
    return {
        "pipeline": fitted if isinstance(fitted, Pipeline) else Pipeline([("estimator", fitted)]),
        "categorical": categorical,
        "numeric": [name for name in names if name not in categorical],
    }


def _canonical(dumped: Path, path: Path) -> None:
    """Rewrite a .skops file without a time of day, its memory addresses numbered in order of appearance."""
    with zipfile.ZipFile(dumped) as archive:
        schema = json.loads(archive.read("schema.json"))
        numbers: dict[str, str] = {}
        _collect_addresses(schema, numbers)
        with zipfile.ZipFile(path, "w") as fresh:
            for old in sorted(
                set(archive.namelist()) & set(numbers), key=lambda name: int(numbers[name].partition(".")[0])
            ):
                fresh.writestr(zipfile.ZipInfo(numbers[old], EPOCH), archive.read(old))
            fresh.writestr(
                zipfile.ZipInfo("schema.json", EPOCH), json.dumps(_renumbered(schema, numbers), indent=1)
            )


def _collect_addresses(node: Any, numbers: dict[str, str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if _is_address(key, value):
                stem, dot, suffix = str(value).partition(".")
                numbers.setdefault(stem, str(len(numbers)))
                numbers.setdefault(str(value), f"{numbers[stem]}{dot}{suffix}")
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            _collect_addresses(child, numbers)


def _renumbered(node: Any, numbers: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_renumbered(child, numbers) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        key: type(value)(numbers[str(value)]) if _is_address(key, value) else _renumbered(value, numbers)
        for key, value in node.items()
    }


def _is_address(key: str, value: Any) -> bool:
    """An object's address stands under `__id__`, and names the file its array lies in."""
    return (key == "__id__" and isinstance(value, int)) or (key == "file" and isinstance(value, str))
