"""Trained models, stored and loaded."""

from typing import Protocol

from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec, Predictor


class Predictors(Protocol):
    def save(self, predictor: Predictor) -> tuple[str, str]:
        """Store a trained model; return (uri, sha256). Never a pickle."""
        ...

    def load(self, spec: ModelSpec, version: Version) -> Predictor:
        """The model as registered. Raises ArtifactBroken. May keep it in memory: versions are immutable."""
        ...
