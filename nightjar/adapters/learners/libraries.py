"""Learning libraries that the base install leaves out: imported when asked for, and named where they lack."""

import importlib
from types import ModuleType

from nightjar.core.errors.settings import ExtraMissing

EXTRAS = {"lightgbm": "lightgbm", "onnxruntime": "onnx", "xgboost": "xgboost"}
"""Module -> the extra of this project that installs it."""


def library(name: str) -> ModuleType:
    """Import one of EXTRAS, for training or for scoring. Raises ExtraMissing where that fails."""
    try:
        return importlib.import_module(name)
    # OSError: the module is there, and a shared library of the system is not, such as OpenMP's.
    except (ImportError, OSError) as error:
        raise ExtraMissing(name, EXTRAS[name], str(error)) from error
