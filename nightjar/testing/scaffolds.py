"""The models that `nightjar new-model` writes, for tests: one of each kind."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import models
from nightjar.core.model.spec import ModelSpec
from nightjar.scaffold.choices import NewKind
from nightjar.scaffold.folder import new_model

WRITTEN = date(2026, 3, 2)
"""The day on which they are written. Their sample data begins before it."""

_folder = TemporaryDirectory(prefix="nightjar-scaffolds-")  # gone when this process ends


def written(name: str, kind: NewKind) -> ModelSpec:
    """The spec of a new model, imported from a folder outside the checkout."""
    new_model(name, kind, Path(_folder.name), WRITTEN)
    models.__path__.append(_folder.name)
    try:
        return models.spec_in(name)
    finally:
        models.__path__.remove(_folder.name)


SCAFFOLDS: Mapping[str, ModelSpec] = {f"new_{kind}": written(f"new_{kind}", kind) for kind in NewKind}
