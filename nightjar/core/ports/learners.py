"""Trained models, stored and loaded."""

from pathlib import Path
from typing import Protocol

from nightjar.core.model.description import Description
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec, Predictor


class Predictors(Protocol):
    def save(self, predictor: Predictor) -> tuple[str, str]:
        """Store a trained model; return (uri, sha256). Never a pickle."""
        ...

    def read(self, spec: ModelSpec, file: Path, told: Description) -> Predictor:
        """Return the model of a file that was made elsewhere. Nothing is stored.

        Raises UnfitModel, naming the file, if it cannot be read or does not fit the spec; ExtraMissing,
        SystemLibraryMissing.
        """
        ...

    def load(self, spec: ModelSpec, version: Version) -> Predictor:
        """Return the registered model. Raises ArtifactBroken. It may be cached: versions are immutable."""
        ...
