"""The source of loaded modules, by their names."""

import sys
import tokenize
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from nightjar.core.model.definitions import Module


def module_source(name: str) -> Module | None:
    """The source of a module, and what its names hold if it is loaded. See `ReadModule`."""
    try:
        spec = getattr(sys.modules.get(name), "__spec__", None) or find_spec(name)
    except (ImportError, ValueError):  # its parent is no package, or it is no module
        return None
    if spec is None or not spec.has_location or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    file = Path(spec.origin)
    source = _source(file, file.stat().st_mtime_ns)
    return Module.of(name, spec.parent or "", source, dict(vars(sys.modules.get(name, object))))


@lru_cache(maxsize=256)
def _source(file: Path, _changed_ns: int) -> str:
    with tokenize.open(file) as text:
        return text.read()
