"""Versions of the toy model, as a registry holds them."""

from datetime import UTC, date, datetime
from typing import Any

from nightjar.core.model.entities import Candidate, Version
from nightjar.core.ports.registry import Registry

TRAINED_THROUGH = date(2013, 5, 31)
CREATED_AT = datetime(2013, 6, 1, tzinfo=UTC)


def toy_candidate(**changes: Any) -> Candidate:
    """A trained toy model that nobody has registered, with other fields."""
    fields: dict[str, Any] = {
        "model": "toy",
        "algorithm": "formula",
        "dataset_id": 1,
        "artifact_uri": "file:///artifact",
        "artifact_sha256": "1" * 64,
        "reference_uri": "file:///reference",
        "params": {},
        "metrics": {},
        "gates": (),
        "code_version": "c",
        "trained_through": TRAINED_THROUGH,
    }
    return Candidate(**fields | changes)


def toy_version(**changes: Any) -> Version:
    """A version of the toy that no registry holds, with other fields."""
    ours: dict[str, Any] = {"id": 1, "number": 1, "created_at": CREATED_AT}
    return Version(**toy_candidate().model_dump() | ours | changes)


def registered(registry: Registry, **changes: Any) -> Version:
    """A new version of the toy in a registry, with its data set. changes: fields of Candidate."""
    days = (TRAINED_THROUGH, TRAINED_THROUGH, CREATED_AT)
    dataset = registry.add_dataset(changes.get("model", "toy"), "0" * 64, "file:///dataset", 1, *days)
    return registry.add_version(toy_candidate(dataset_id=dataset.id, **changes))


def champion_of(registry: Registry, **changes: Any) -> Version:
    """A new version of the toy in a registry, which is champion."""
    version = registered(registry, **changes)
    registry.promote(version, "champion", "the first")
    return version
