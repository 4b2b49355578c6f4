"""An artifact store for trainings that nobody registers: what only a registered version needs is not kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from nightjar.core.ports.artifacts import Artifacts

NOT_KEPT = frozenset({"dataset", "reference", "golden"})
"""The rows of each training are a part of one dataset. No night is published that needs the others."""


@dataclass(frozen=True, slots=True)
class Lean:
    """Implements the port `Artifacts` over a store. The uri of what is not kept names nothing."""

    store: Artifacts

    def put(self, kind: str, file: Path) -> tuple[str, str]:
        if kind not in NOT_KEPT:
            return self.store.put(kind, file)
        return f"backtest:{kind}", sha256(file.read_bytes()).hexdigest()

    def get(self, uri: str, sha256: str | None = None) -> Path:
        return self.store.get(uri, sha256)

    def put_bundle(self, kind: str, files: Sequence[Path]) -> tuple[str, str]:
        return self.store.put_bundle(kind, files)

    def get_member(self, uri: str, sha256: str, number: int, suffix: str) -> Path:
        return self.store.get_member(uri, sha256, number, suffix)

    def members(self, uri: str, sha256: str) -> int:
        return self.store.members(uri, sha256)

    def local_path(self, uri: str) -> Path | None:
        return self.store.local_path(uri)
