"""The models: each folder here that has a `spec.py`. A new one is a folder, and nothing else."""

from importlib import import_module
from pathlib import Path
from traceback import extract_tb

from nightjar.core.errors.model import BadSpec, ModelBroken, ModelNotNamed, UnknownModel
from nightjar.core.model.clashes import clashes
from nightjar.core.model.spec import ModelSpec


def model(name: str | None = None) -> ModelSpec:
    """Return the spec of a model. Without a name, return that of the only model.

    Raises UnknownModel and ModelNotNamed, which list the models, and ModelBroken for one that is found and
    cannot be used.
    """
    if name is None:
        name = only_one()
    if name in BROKEN:
        raise BROKEN[name]
    if name not in MODELS:
        raise UnknownModel(name, NAMES)
    return MODELS[name]


def only_one() -> str:
    if len(NAMES) != 1:
        raise ModelNotNamed(NAMES)
    return NAMES[0]


def find() -> tuple[dict[str, ModelSpec], dict[str, ModelBroken]]:
    """Import every model. Return the specs and, of the models that cannot be used, the reasons."""
    specs, broken = dict[str, ModelSpec](), dict[str, ModelBroken]()
    for name in sorted(file.parent.name for place in __path__ for file in Path(place).glob("*/spec.py")):
        try:
            specs[name] = spec_in(name)
        except ModelBroken as error:
            broken[name] = error
    for clash in clashes(tuple(specs.values())):
        broken.update((name, clash) for name in clash.models)
    return {name: spec for name, spec in specs.items() if name not in broken}, broken


def spec_in(name: str) -> ModelSpec:
    """Return the `SPEC` of a folder's spec.py. Raises ModelBroken, whatever the folder's code raises."""
    try:
        spec = getattr(import_module(f"{__name__}.{name}.spec"), "SPEC", None)
    except ModelBroken:
        raise
    except Exception as error:  # a fault of one folder stops no other model
        raise ModelBroken(name, f"cannot be imported: {told(name, error)}", type(error).__name__) from error
    if not isinstance(spec, ModelSpec):
        raise ModelBroken(name, "has a spec.py without a SPEC that is a ModelSpec")
    if spec.name != name:
        raise BadSpec(name, "name", f"is {spec.name!r}, and must be the name of its folder")
    return spec


def told(name: str, error: Exception) -> str:
    """Return the error with the last line of the folder that led to it."""
    frames = [frame for frame in extract_tb(error.__traceback__) if f"/models/{name}/" in frame.filename]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


MODELS, BROKEN = find()
"""The models that can be used, by name, and why the others cannot."""

NAMES = tuple(sorted((*MODELS, *BROKEN)))
"""The names of all models that have a folder."""
