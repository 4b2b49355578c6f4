"""What versions and backtests keep in the artifact store beside models."""

import tempfile
from pathlib import Path

import polars as pl

from nightjar.core.lifecycle.evidence import Evidence
from nightjar.core.model.entities import Version
from nightjar.core.parquet import parquet
from nightjar.core.ports.artifacts import Artifacts


def store_rows(rows: pl.DataFrame, kind: str, artifacts: Artifacts) -> tuple[str, str]:
    """Store rows as Parquet. Return uri and sha256."""
    return _stored(parquet(rows), kind, "parquet", artifacts)


def store_evidence(evidence: Evidence, artifacts: Artifacts) -> tuple[str, str]:
    """Return uri and sha256."""
    return _stored(evidence.model_dump_json(indent=1).encode(), "evidence", "json", artifacts)


def read_evidence(version: Version, artifacts: Artifacts) -> Evidence | None:
    """None for a version of before evidence. Raises ArtifactBroken."""
    if version.evidence_uri is None:
        return None
    file = artifacts.get(version.evidence_uri, version.evidence_sha256)
    return Evidence.model_validate_json(file.read_bytes())


def _stored(content: bytes, kind: str, suffix: str, artifacts: Artifacts) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{kind}.{suffix}"
        file.write_bytes(content)
        return artifacts.put(kind, file)
