"""Learning libraries that the base install leaves out: imported when asked for, and named where they lack."""

import importlib
from types import ModuleType

from nightjar.core.errors.settings import ExtraMissing, SystemLibraryMissing

EXTRAS = {"lightgbm": "lightgbm", "onnxruntime": "onnx", "xgboost": "xgboost"}
"""Module -> the extra of this project that installs it."""
UNUSABLE = (ExtraMissing, SystemLibraryMissing)


def library(name: str) -> ModuleType:
    """Import one of EXTRAS, for training or for scoring. Raises ExtraMissing, SystemLibraryMissing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ExtraMissing(name, EXTRAS[name], str(error)) from error
    except OSError as error:
        raise SystemLibraryMissing(name, str(error)) from error
