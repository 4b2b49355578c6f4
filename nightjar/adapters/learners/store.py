"""Trained models in the artifact store, loaded by the learner that made them."""

import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from nightjar.adapters.learners.answers import require_classes
from nightjar.adapters.learners.blend import BlendPredictor
from nightjar.adapters.learners.catboost import CatBoostPredictor
from nightjar.adapters.learners.libraries import UNUSABLE
from nightjar.adapters.learners.single import SINGLE, Single
from nightjar.adapters.learners.sklearn import SklearnPredictor
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.machine import by_machine
from nightjar.core.errors.model import ArtifactBroken, BadSpec, UnfitModel
from nightjar.core.kinds.kind import Kind
from nightjar.core.model.categories import UNKNOWN, CastCategories, Categories
from nightjar.core.model.description import Description
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec, Predictor
from nightjar.core.ports.artifacts import Artifacts

MOST_LOADED = 16
"""A process that lives for long, as a worker of a cluster, scores with versions of many weeks and models."""


class PredictorStore:
    """Implements ports.Predictors over an artifact store.

    A loaded version stays in memory: parts of a night run on threads and share it. Of more than MOST_LOADED
    the one that was not used for longest goes.
    """

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._loaded: dict[str, Predictor] = {}  # the last used one is the last
        self._lock = threading.Lock()

    def save(self, predictor: Predictor) -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"model{SUFFIXES.get(predictor.algorithm, '.bin')}"
            predictor.save(file)
            return self._artifacts.put("model", file)

    def load(self, spec: ModelSpec, version: Version) -> Predictor:
        """Raises ArtifactBroken, or BadSpec.

        BadSpec: the spec is of another kind, or no longer provides an input the version was fitted on.
        """
        if not version.is_of(spec.kind):
            is_now = _told(spec.kind.name, spec.kind.classes)
            was = _told(version.kind, version.classes)
            problem = f"is {is_now}, but version {version.number} is {was}; retrain, or promote another"
            raise BadSpec(spec.name, "kind", problem)
        with self._lock:
            known = self._loaded.pop(version.artifact_sha256, None)
            predictor = self._read(version, spec.kind) if known is None else known
            self._loaded[version.artifact_sha256] = predictor
            if len(self._loaded) > MOST_LOADED:
                del self._loaded[next(iter(self._loaded))]
        if problem := misfit(predictor, spec):
            was = f"which version {version.number} was trained on; retrain, or promote another"
            raise BadSpec(spec.name, "inputs", f"{problem}, {was}")
        return predictor

    def read(self, spec: ModelSpec, file: Path, told: Description) -> Predictor:
        """A model file that was made elsewhere. Nothing is stored.

        Raises UnfitModel, naming the file, if it cannot be read or does not fit the spec; one of
        UNUSABLE.
        """
        if told.classes is not None:
            require_classes(file, told.classes, spec.kind)
        try:
            texts = spec.categorical if told.texts is None else told.texts
            loaded = _learner(file, told).load(file, spec.kind, told.model_copy(update={"texts": texts}))
        except (*UNUSABLE, UnfitModel):
            raise
        except Exception as error:  # each library has its own errors for a file it cannot read
            if by_machine(error):
                raise
            problem = f"it cannot be read ({why(error)})"
            raise UnfitModel(file, problem, "Save it again, or name its algorithm.") from error
        if problem := misfit(loaded, spec):
            remedy = "Correct the inputs of the spec, or describe the inputs and categories of the file."
            raise UnfitModel(file, f"{spec.name} {problem}, which the model was trained on", remedy)
        if isinstance(loaded, CatBoostPredictor | SklearnPredictor) and _is_cast(loaded):
            return replace(loaded, categories=UNKNOWN)
        return loaded

    def _read(self, version: Version, kind: Kind) -> Predictor:
        path = self._artifacts.get(version.artifact_uri, version.artifact_sha256)
        learner = LEARNERS.get(version.algorithm)
        if learner is None:
            raise ArtifactBroken(
                version.artifact_uri,
                f"nothing here loads algorithm {version.algorithm!r}; known: {sorted(LEARNERS)}",
            )
        try:
            loaded = learner.load(path, kind)
        except UNUSABLE:
            raise
        except Exception as error:  # each library has its own errors for a file it cannot read
            if by_machine(error):  # a full disk is no fault of the file
                raise
            raise ArtifactBroken(version.artifact_uri, why(error)) from error
        if isinstance(loaded, CatBoostPredictor | SklearnPredictor) and _is_cast(loaded):
            return replace(loaded, categories=self._fitted_on(version))
        return loaded

    def _fitted_on(self, version: Version) -> CastCategories:
        """The types of the version's training sample; none where there is no sample."""
        try:
            file = self._artifacts.get(version.reference_uri)
            return CastCategories(pl.scan_parquet(file, glob=False).collect_schema())
        except (ArtifactBroken, OSError, pl.exceptions.PolarsError) as error:
            if by_machine(error):  # the sample is there: without its types it would score otherwise
                raise
            return CastCategories()


def _is_cast(loaded: CatBoostPredictor | SklearnPredictor) -> bool:
    """True if the file does not say what its categories were."""
    return not isinstance(loaded.categories, Categories)


def _learner(file: Path, told: Description) -> "Learner":
    """The learner that a description names, or else that of the file's suffix. Raises UnfitModel."""
    found = told.algorithm or ALGORITHMS.get(file.suffix)
    known = f"Known: {', '.join(LEARNERS)}."
    if found is None:
        suffixes = ", ".join(ALGORITHMS)
        raise UnfitModel(file, f"its suffix is none of {suffixes}", f"Name its algorithm. {known}")
    if found not in LEARNERS:
        raise UnfitModel(file, f"nothing here loads the algorithm {found!r}", known)
    return LEARNERS[found]


def _told(kind: str, classes: Sequence[str]) -> str:
    return repr(kind) + (f" of the classes {', '.join(map(repr, classes))}" if classes else "")


def why(error: Exception) -> str:
    """What a learner says of a file that it cannot read, in one sentence."""
    words = error.words if isinstance(error, NightjarError) else str(error).split("\n", 1)[0]
    return f"{type(error).__name__}: {words}".rstrip(".")


def misfit(predictor: Predictor, spec: ModelSpec) -> str | None:
    """The input columns that a model needs and a spec does not provide as such, in words; None if all are."""
    columns = getattr(predictor, "columns", predictor)
    lacking = {
        role: sorted({*getattr(columns, role, ())} - {*getattr(spec, role)})
        for role in ("categorical", "numeric")
    }
    told = [f"{names} as {role}" for role, names in lacking.items() if names]
    return f"lacks {' and '.join(told)}" if told else None


Learner = type[Single] | type[BlendPredictor]

LEARNERS: Mapping[str, Learner] = {**SINGLE, "blend": BlendPredictor}

SUFFIXES: Mapping[str, str] = {
    "blend": ".blend",
    "catboost": ".cbm",
    "lightgbm": ".txt",
    "logistic": ".logistic",
    "onnx": ".onnx",
    "sklearn": ".skops",
    "xgboost": ".ubj",
}

ALGORITHMS: Mapping[str, str] = {suffix: name for name, suffix in SUFFIXES.items()} | {".json": "xgboost"}
"""Suffix of a file -> the algorithm that it is taken for."""
