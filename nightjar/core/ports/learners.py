"""Trained models, stored and loaded."""

from typing import Protocol

from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec, Predictor


class Predictors(Protocol):
    def save(self, predictor: Predictor) -> tuple[str, str]:
        """Store a trained model; return (uri, sha256). Never a pickle."""
        ...

    def load(self, spec: ModelSpec, version: Version) -> Predictor:
        """Return the registered model. Raises ArtifactBroken. It may be cached: versions are immutable."""
        ...
