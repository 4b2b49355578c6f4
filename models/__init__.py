"""The models, by name. A new one is a folder beside this file and a line in `MODELS`."""

from collections.abc import Mapping

from models.flight_delay.spec import SPEC as FLIGHT_DELAY
from nightjar.core.errors.model import UnknownModel
from nightjar.core.model.spec import ModelSpec

MODELS: Mapping[str, ModelSpec] = {spec.name: spec for spec in (FLIGHT_DELAY,)}


def model(name: str) -> ModelSpec:
    """The model's spec. Raises UnknownModel, which names those there are."""
    if name not in MODELS:
        raise UnknownModel(name, MODELS)
    return MODELS[name]
