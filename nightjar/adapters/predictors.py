"""Trained models of the libraries we load: CatBoost as .cbm, scikit-learn as .skops. No pickle is ever read or written.

The libraries take seconds to import, so each is imported by the function that needs it.
"""

import json
import tempfile
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from nightjar.core.categories import UNKNOWN, CastCategories, Categories, is_empty
from nightjar.core.entities import Version
from nightjar.core.errors import ArtifactBroken, BadSpec, ContractBroken
from nightjar.core.ports import Artifacts
from nightjar.core.spec import ModelSpec, Predictor

if TYPE_CHECKING:
    from catboost import CatBoostClassifier

MISSING = ""
"""The category that stands for a missing one: neither library takes nulls there."""
TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "numpy.dtype")
"""All that a .skops file may hold beyond what skops itself trusts."""
EPOCH = (1980, 1, 1, 0, 0, 0)


FAMILIES = "nightjar_categories"
"""Where a stored model keeps what its categories were, as JSON. Older versions have no such entry."""


def inputs(
    frame: pl.DataFrame,
    categorical: Sequence[str],
    numeric: Sequence[str],
    categories: Categories | CastCategories = UNKNOWN,
) -> pl.DataFrame:
    """A model's input columns in its order.

    Categories become String without nulls (CatBoost crashes on Categorical and Enum), numbers Float64.
    categories: of the model. Raises ContractBroken naming the columns that are missing or of a wrong type.
    """
    if missing := [name for name in (*categorical, *numeric) if name not in frame.columns]:
        raise ContractBroken("The rows to predict", [f"column {name} is missing" for name in missing])
    texts, numbers = frame[[*categorical]], frame[[*numeric]]
    if faults := [fault for fault in (*map(categories.fault, texts), *map(_number_fault, numbers)) if fault]:
        raise ContractBroken("The rows to predict", faults)
    return pl.DataFrame(
        [
            *(categories.text(column).fill_null(MISSING).alias(column.name) for column in texts),
            *(column.cast(pl.Float64, strict=False).fill_null(float("nan")) for column in numbers),
        ]
    )


def _number_fault(column: pl.Series) -> str | None:
    if column.dtype.is_numeric() or column.dtype == pl.Boolean or is_empty(column):
        return None
    return f"column {column.name} is {column.dtype}, not a number"


@dataclass(frozen=True, slots=True)
class CatBoostPredictor:
    """Implements spec.Predictor. `model` was fitted on the columns of `inputs`, categorical first.

    categories: of the rows that it was fitted on.
    """

    model: "CatBoostClassifier"
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    categories: Categories | CastCategories = UNKNOWN
    algorithm: str = "catboost"

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        rows = inputs(frame, self.categorical, self.numeric, self.categories)
        if rows.is_empty():
            return pl.Series("score", dtype=pl.Float64)
        return pl.Series("score", self.model.predict(rows, prediction_type="Probability")[:, 1], dtype=pl.Float64)

    def params(self) -> Mapping[str, Any]:
        return {**self.model.get_params(), "trees": int(self.model.tree_count_ or 0), "bias": float(self.model.get_scale_and_bias()[1])}

    def save(self, path: Path) -> None:
        """CatBoost writes the time and a random id into a model; without them the same training gives the same bytes."""
        metadata = self.model.get_metadata()
        metadata["train_finish_time"] = metadata["model_guid"] = ""
        if (kept := _kept(self.categories)) is not None:
            metadata[FAMILIES] = kept
        self.model.save_model(str(path), format="cbm")

    @classmethod
    def load(cls, path: Path) -> "CatBoostPredictor":
        from catboost import CatBoostClassifier  # noqa: PLC0415  # takes a second to import

        model = CatBoostClassifier()
        model.load_model(str(path), format="cbm")
        names, categories = tuple(model.feature_names_ or ()), len(model.get_cat_feature_indices())
        kept = dict(model.get_metadata()).get(FAMILIES)
        return cls(model, names[:categories], names[categories:], _categories(kept))


@dataclass(frozen=True, slots=True)
class SklearnPredictor:
    """Implements spec.Predictor. `pipeline` was fitted on the columns of `inputs` and has predict_proba.

    categories: of the rows that it was fitted on.
    """

    pipeline: Any
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    categories: Categories | CastCategories = UNKNOWN
    algorithm: str = "sklearn"

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        rows = inputs(frame, self.categorical, self.numeric, self.categories)
        if rows.is_empty():
            return pl.Series("score", dtype=pl.Float64)
        return pl.Series("score", self.pipeline.predict_proba(rows)[:, 1], dtype=pl.Float64)

    def params(self) -> Mapping[str, Any]:
        """Of its last step, the estimator."""
        found = self.pipeline[-1].get_params()
        return {
            "estimator": type(self.pipeline[-1]).__name__,
            **{name: value for name, value in found.items() if isinstance(value, str | int | float | bool)},
        }

    def save(self, path: Path) -> None:
        import skops.io  # noqa: PLC0415  # imports scikit-learn

        content = {"pipeline": self.pipeline, "categorical": list(self.categorical), "numeric": list(self.numeric)}
        if (kept := _kept(self.categories)) is not None:
            content[FAMILIES] = kept
        with tempfile.TemporaryDirectory() as folder:
            dumped = Path(folder) / "dumped.skops"
            skops.io.dump(content, dumped)
            _canonical(dumped, path)

    @classmethod
    def load(cls, path: Path) -> "SklearnPredictor":
        """Raises skops' UntrustedTypesFoundException for anything beyond TRUSTED."""
        import skops.io  # noqa: PLC0415  # imports scikit-learn

        content = skops.io.load(path, trusted=list(TRUSTED))
        names = tuple(content["categorical"]), tuple(content["numeric"])
        return cls(content["pipeline"], *names, _categories(content.get(FAMILIES)))


def _kept(categories: Categories | CastCategories) -> str | None:
    """What a stored model says of its categories; nothing where it never did."""
    if isinstance(categories, CastCategories):
        return None
    return json.dumps(dict(categories.families), sort_keys=True)


def _categories(kept: str | None) -> Categories | CastCategories:
    return CastCategories() if kept is None else Categories(json.loads(kept))


class PredictorStore:
    """Implements ports.Predictors over an artifact store. A loaded version stays in memory: parts of a night run on threads and share it."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._loaded: dict[str, Predictor] = {}
        self._lock = threading.Lock()

    def save(self, predictor: Predictor) -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"model{SUFFIXES.get(predictor.algorithm, '.bin')}"
            predictor.save(file)
            return self._artifacts.put("model", file)

    def load(self, spec: ModelSpec, version: Version) -> Predictor:
        """Raises ArtifactBroken; BadSpec if the spec no longer provides an input the version was fitted on."""
        with self._lock:
            if version.artifact_sha256 not in self._loaded:
                self._loaded[version.artifact_sha256] = self._read(version)
            predictor = self._loaded[version.artifact_sha256]
        needed = (*getattr(predictor, "categorical", ()), *getattr(predictor, "numeric", ()))
        if gone := sorted(set(needed) - set(spec.inputs)):
            raise BadSpec(spec.name, "inputs", f"lacks {gone}, which version {version.number} was trained on; retrain, or promote another")
        return predictor

    def _read(self, version: Version) -> Predictor:
        path = self._artifacts.get(version.artifact_uri, version.artifact_sha256)
        kind = KINDS.get(version.algorithm)
        if kind is None:
            raise ArtifactBroken(version.artifact_uri, f"nothing here loads algorithm {version.algorithm!r}; known: {sorted(KINDS)}")
        try:
            loaded = kind.load(path)
        except Exception as error:  # each library has its own errors for a file it cannot read
            raise ArtifactBroken(version.artifact_uri, f"{type(error).__name__}: {error}") from error
        if isinstance(loaded.categories, Categories):
            return loaded
        return replace(loaded, categories=self._fitted_on(version))

    def _fitted_on(self, version: Version) -> CastCategories:
        """The types of the version's training sample; none where there is no sample."""
        try:
            return CastCategories(pl.read_parquet_schema(self._artifacts.get(version.reference_uri)))
        except (ArtifactBroken, OSError, pl.exceptions.PolarsError):
            return CastCategories()


KINDS: Mapping[str, type[CatBoostPredictor] | type[SklearnPredictor]] = {"catboost": CatBoostPredictor, "sklearn": SklearnPredictor}
SUFFIXES: Mapping[str, str] = {"catboost": ".cbm", "sklearn": ".skops"}


def _canonical(dumped: Path, path: Path) -> None:
    """Rewrite a .skops file with the memory addresses in it numbered in order of appearance, and no time of day."""
    with zipfile.ZipFile(dumped) as archive:
        schema = json.loads(archive.read("schema.json"))
        numbers: dict[str, str] = {}
        _collect_addresses(schema, numbers)
        with zipfile.ZipFile(path, "w") as fresh:
            for old in sorted(set(archive.namelist()) & set(numbers), key=lambda name: int(numbers[name].partition(".")[0])):
                fresh.writestr(zipfile.ZipInfo(numbers[old], EPOCH), archive.read(old))
            fresh.writestr(zipfile.ZipInfo("schema.json", EPOCH), json.dumps(_renumbered(schema, numbers), indent=1))


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
    return {key: type(value)(numbers[str(value)]) if _is_address(key, value) else _renumbered(value, numbers) for key, value in node.items()}


def _is_address(key: str, value: Any) -> bool:
    """An object's address stands under `__id__`, and names the file its array lies in."""
    return (key == "__id__" and isinstance(value, int)) or (key == "file" and isinstance(value, str))
