"""CatBoost models, kept as .cbm files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from nightjar.adapters.learners.answers import answered, explained, require_answers, require_classes
from nightjar.adapters.learners.columns import (
    FAMILIES,
    described_names,
    inputs,
    kept_categories,
    read_categories,
)
from nightjar.core.errors.model import UnfitModel
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.kind import Kind
from nightjar.core.model.categories import UNKNOWN, CastCategories, Categories
from nightjar.core.model.description import UNDESCRIBED, Description
from nightjar.core.sampling import sampled

if TYPE_CHECKING:
    from catboost import CatBoostClassifier, CatBoostRegressor

TWO = frozenset({"Logloss", "CrossEntropy"})
"""Losses by which CatBoost gives the probabilities of two outcomes."""

SAMPLE_ROWS = 300
"""Rows of the sample that contributions are measured from, at most. They are spread over all of it."""


@dataclass(frozen=True, slots=True)
class CatBoostPredictor:
    """Implements spec.Predictor. `model` was fitted on the columns of `inputs`, categorical first.

    categories: of the rows that it was fitted on. kind: of the spec that it was fitted for.
    """

    model: "CatBoostClassifier | CatBoostRegressor"
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    categories: Categories | CastCategories = UNKNOWN
    kind: Kind = BINARY
    algorithm: str = "catboost"

    def __post_init__(self) -> None:
        """Raises WrongLearner for a classifier where the kind needs a regressor, and the other way round."""
        classifies = hasattr(self.model, "predict_proba")
        self.kind.require_learner(
            type(self.model).__name__, classifies=classifies, gives_probabilities=classifies
        )

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        return answered(self.kind, self._rows(frame), self._ask)

    def contributions(self, frame: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:
        """Implements contributions.Explains: SHAP values against rows of the sample.

        Without such rows CatBoost weighs leaves by the rows that it explains, so a row would get other
        contributions in another batch.
        """
        rows, reference = self._rows(frame), self._rows(sampled(sample, SAMPLE_ROWS))
        own = cache(lambda: self._labelled(rows))

        def ask() -> Any:
            from catboost import EFstrType  # noqa: PLC0415  # takes a second to import

            return self.model.get_feature_importance(
                own(), reference_data=self._labelled(reference), type=EFstrType.ShapValues, thread_count=1
            )

        answer = answered(self.kind, rows, lambda _: self._ask(own()))
        return explained(self.kind, self.algorithm, rows.columns, answer, ask)

    def _labelled(self, rows: pl.DataFrame) -> Any:
        """CatBoost asks for outcomes here, and does not look at them.

        It takes a few rows from an array in a fraction of the time that it takes them from a frame.
        """
        from catboost import Pool  # noqa: PLC0415  # takes a second to import

        outcomes = np.resize(getattr(self.model, "classes_", [0.0]), rows.height)
        places = [rows.columns.index(name) for name in self.categorical]
        return Pool(rows.to_numpy(), outcomes, cat_features=places, feature_names=rows.columns)

    def _rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        rows = inputs(frame, self.categorical, self.numeric, self.categories)
        return rows.select(self.model.feature_names_)  # a model from elsewhere may mix categories and numbers

    def _ask(self, rows: Any) -> Any:
        """rows: a frame, or a pool of CatBoost's."""
        if self.kind.probabilities:
            return self.model.predict(rows, prediction_type="Probability")
        return self.model.predict(rows)

    def params(self) -> Mapping[str, Any]:
        _, bias = self.model.get_scale_and_bias()
        return {
            **self.model.get_params(),
            "trees": int(self.model.tree_count_ or 0),
            # One for each class, if there are classes.
            "bias": list(map(float, bias)) if isinstance(bias, list) else float(bias),
        }

    def save(self, path: Path) -> None:
        """CatBoost writes the time and a random id into a model.

        Without them the same training gives the same bytes.
        """
        metadata = self.model.get_metadata()
        metadata["train_finish_time"] = metadata["model_guid"] = ""
        if (kept := kept_categories(self.categories)) is not None:
            metadata[FAMILIES] = kept
        self.model.save_model(str(path), format="cbm")

    @classmethod
    def load(cls, path: Path, kind: Kind, told: Description = UNDESCRIBED) -> "CatBoostPredictor":
        """Raises UnfitModel, or an error of CatBoost's for bytes that are no model of it."""
        # Imported here: CatBoost takes a second to import.
        from catboost import CatBoostClassifier, CatBoostRegressor  # noqa: PLC0415

        model = CatBoostClassifier() if kind.probabilities else CatBoostRegressor()
        model.load_model(str(path), format="cbm")
        kept = dict(model.get_metadata())
        _require_loss(path, kept, kind)
        names, places = tuple(model.feature_names_ or ()), frozenset(model.get_cat_feature_indices())
        if (given := described_names(path, names, told)) != names:
            model.set_feature_names(list(given))
            names = given
        categorical = tuple(name for place, name in enumerate(names) if place in places)
        numeric = tuple(name for place, name in enumerate(names) if place not in places)
        return cls(model, categorical, numeric, read_categories(kept.get(FAMILIES)), kind)


def _require_loss(path: Path, kept: Mapping[str, str], kind: Kind) -> None:
    """Raises UnfitModel if the loss or the classes that it was fitted with are not what a kind needs."""
    loss = json.loads(kept.get("params", "{}")).get("loss_function", {}).get("type", "RMSE")
    if loss == "MultiClassOneVsAll":
        problem = f"its loss is {loss}, whose probabilities do not add up to 1"
        raise UnfitModel(path, problem, "Train with MultiClass.")
    classes = json.loads(kept.get("class_params", "{}")).get("class_names", ())
    found = 2 if loss in TWO else len(classes) if loss == "MultiClass" else None
    require_answers(path, loss, found, kind)
    if classes:
        require_classes(path, classes, kind)
