"""What this process scores with: the code of the checkout, and the libraries that scores depend on."""

import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from nightjar.core.night.same_code import ABSENT, Terms

PACKAGES = ("nightjar", "db", "models")
LIBRARIES = (
    "catboost",
    "distributed",
    "feast",
    "lightgbm",
    "numpy",
    "onnxruntime",
    "pandera",
    "polars",
    "pyarrow",
    "pydantic",
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
)


@cache
def terms_of(checkout: Path, feature_repo: Path) -> Terms:
    """Looked up once a process, because a process goes on with the code that it has loaded.

    The code is known by its files. A commit may change documents alone.
    """
    folders = [*(checkout / package for package in PACKAGES), feature_repo]
    return {
        "the code": _hash_of(folders),
        "Python": platform.python_version(),
        **{library: _version(library) for library in LIBRARIES},
    }


def _hash_of(folders: list[Path]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for file in _sources(folder):
            digest.update(f"{folder.name}/{file.relative_to(folder)}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _sources(folder: Path) -> Iterator[Path]:
    files = (path for path in folder.rglob("*") if path.suffix in {".py", ".yaml"})
    yield from sorted(path for path in files if path.is_file())


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ABSENT
