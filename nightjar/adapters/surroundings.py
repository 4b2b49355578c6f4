"""What fits and scores here: the code of a model, the versions of its libraries, and threads."""

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import polars as pl

from nightjar.adapters.source_code import module_source
from nightjar.core.model.entities import Version
from nightjar.core.model.imports import imports_of
from nightjar.core.model.recipe import recipes_of_model
from nightjar.core.model.record import Surroundings
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.features import RecipeOf

PYTHON = "python"
ALWAYS = ("numpy", "polars")
OF_LEARNER = {
    "catboost": ("catboost",),
    "lightgbm": ("lightgbm",),
    "logistic": ("sklearn",),
    "onnx": ("onnxruntime",),
    "sklearn": ("scipy", "sklearn", "skops"),
    "xgboost": ("xgboost",),
}
"""Algorithm -> the modules that load it and predict with it. Of a blend: those of any learner."""


def surroundings(spec: ModelSpec, algorithm: str, recipe_of: RecipeOf) -> Surroundings:
    """Of a version that was just made. algorithm: of its predictor."""
    own, others = imports_of(f"models.{spec.name}.spec", module_source)
    return Surroundings(
        code={name: sha256(file.read_bytes()).hexdigest() for name, file in sorted(_files(spec.name, own))},
        features={table.name: recipe_of(table) for table in spec.feature_tables},
        **recipes_of_model(spec, module_source),
        libraries=versions_of(_distributions({*others, *ALWAYS, *_of_learner(algorithm)})),
        threads=_threads(),
    )


def surroundings_of(spec: ModelSpec, version: Version, recipe_of: RecipeOf) -> Surroundings:
    """Of a version that was made before: what is here of all that its record names, loaded or not."""
    now = surroundings(spec, version.algorithm, recipe_of)
    then = {} if version.record is None else version.record.surroundings.libraries
    return now.model_copy(update={"libraries": {**versions_of(then), **now.libraries}})


def _of_learner(algorithm: str) -> Iterable[str]:
    """A blend does not say of which libraries its members are. They are among those that were imported."""
    if algorithm == "blend":
        return {name for names in OF_LEARNER.values() for name in names if name in sys.modules}
    return OF_LEARNER.get(algorithm, ())


def versions_of(libraries: Iterable[str]) -> Mapping[str, str]:
    """Library -> the version that is installed. One that is not installed is left out."""
    found = {name: _version(name) for name in sorted({PYTHON, *libraries})}
    return {name: version for name, version in found.items() if version is not None}


def _version(library: str) -> str | None:
    if library == PYTHON:
        return platform.python_version()
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _files(model: str, modules: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """The files of a model's folder and those of the modules that it needs, by their path from the models."""
    origins = [sys.modules[name].__file__ for name in modules if name in sys.modules]
    files = {Path(origin) for origin in origins if origin}
    folder = next((file.parent for file in files if file.parent.name == model), None)
    within = (file for file in folder.rglob("*") if file.is_file()) if folder else ()
    for file in sorted({*files, *within}):
        if "__pycache__" not in file.parts and folder:
            yield file.relative_to(folder.parent).as_posix(), file


def _distributions(modules: Iterable[str]) -> Iterator[str]:
    """The installed libraries that hold modules. A module of Python or of ours is of none."""
    by_module = _installed()
    for name in modules:
        yield from (found for found in by_module.get(name, ()) if found != "nightjar")


@cache
def _installed() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _threads() -> Mapping[str, int]:
    """The pools of the libraries that are loaded. Some learners have their own, among their parameters."""
    from threadpoolctl import threadpool_info  # noqa: PLC0415  # comes with scikit-learn

    pools = {f"{info['internal_api']} {info['version'] or ''}".strip(): info for info in threadpool_info()}
    threads = {name: int(info["num_threads"]) for name, info in sorted(pools.items())}
    return {"cpus": os.cpu_count() or 1, "polars": pl.thread_pool_size(), **threads}
