"""Immutable files, addressed by their content."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Artifacts(Protocol):
    """Immutable files, addressed by content; any worker can read what any other wrote."""

    def put(self, kind: str, file: Path) -> tuple[str, str]:
        """Store a copy of `file` and return (uri, sha256).

        The same bytes give the same uri and are stored once, atomically.
        """
        ...

    def get(self, uri: str, sha256: str | None = None) -> Path:
        """Return a local, read-only copy. Raises ArtifactBroken if it is missing or has other bytes."""
        ...

    def put_bundle(self, kind: str, files: Sequence[Path]) -> tuple[str, str]:
        """Store copies of files that belong together; return (uri, sha256) of their manifest.

        The manifest lists the files' hashes. The same bytes in the same order give the same uri. The manifest
        is stored last, so it never names a missing file.
        """
        ...

    def get_member(self, uri: str, sha256: str, number: int, suffix: str) -> Path:
        """Return a local, read-only copy of file `number` (counted from 0) of a bundle.

        No other file of the bundle is read.
        suffix: the file's suffix. Raises ArtifactBroken if the manifest or the file is missing or has other
        bytes.
        """
        ...

    def members(self, uri: str, sha256: str) -> int:
        """Return the number of files in a bundle. Raises ArtifactBroken."""
        ...

    def local_path(self, uri: str) -> Path | None:
        """Return the path that a person can open, if the store is a local folder."""
        ...
