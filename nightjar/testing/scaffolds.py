"""The models that `nightjar new-model` writes, for tests: each kind with another calendar."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import models
from nightjar.core.model.spec import ModelSpec
from nightjar.scaffold.choices import Every, NewKind
from nightjar.scaffold.folder import new_model

WRITTEN = date(2026, 3, 2)
"""The day on which they are written. Their sample data begins before it."""

_folder = TemporaryDirectory(prefix="nightjar-scaffolds-")  # gone when this process ends


def written(name: str, kind: NewKind, every: Every) -> ModelSpec:
    """The spec of a new model, imported from a folder outside the checkout."""
    new_model(name, kind, every, Path(_folder.name), WRITTEN)
    models.__path__.append(_folder.name)
    try:
        return models.spec_in(name)
    finally:
        models.__path__.remove(_folder.name)


SCAFFOLDS: Mapping[str, ModelSpec] = {
    "new_binary": written("new_binary", NewKind.binary, Every.day),
    "new_multiclass": written("new_multiclass", NewKind.multiclass, Every.weekday),
    "new_regression": written("new_regression", NewKind.regression, Every.week),
}
"""Each kind once, and each calendar but the monthly one, whose sample data takes longest."""
