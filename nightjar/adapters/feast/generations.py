"""Copies of Feast's registry whose views read chosen generations of our feature tables.

Imports Feast, which takes seconds: import this module where it is first needed.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from feast.protos.feast.core.Registry_pb2 import Registry

from nightjar.adapters.feast.generation_paths import inside
from nightjar.core.model.generations import FIRST, Generations


def copy_reading(
    registry: Path, copy: Path, generations: Generations, lacking: Mapping[str, frozenset[str]]
) -> None:
    """Write a copy of a registry file.

    lacking: each view to change -> features that its generation does not have. They are left out of the view
    and of every service.
    """
    found: Any = Registry.FromString(registry.read_bytes())
    for view in found.feature_views:
        table, files = view.spec.name, view.spec.batch_source.file_options
        if table in lacking:
            files.uri = inside(files.uri, table, generations.get(table, FIRST))
            _drop(view.spec.features, lacking[table])
    for service in found.feature_services:
        for projection in service.spec.features:
            _drop(projection.feature_columns, lacking.get(projection.feature_view_name, frozenset()))
    copy.write_bytes(changed(found))


def changed(registry: Any) -> bytes:
    """The bytes of a changed registry, with a version of its own.

    Feast keeps what it read of a registry by its version and its place in memory, which may be used again.
    """
    registry.version_id = sha256(registry.SerializeToString(deterministic=True)).hexdigest()
    return registry.SerializeToString()


def _drop(fields: Any, names: frozenset[str]) -> None:
    kept = [field for field in fields if field.name not in names]
    del fields[:]
    fields.extend(kept)
