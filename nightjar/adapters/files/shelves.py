"""Local files that may grow old: drafts of writers that were killed, copies of delivered files."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nightjar.adapters.files.atomic import DRAFT, discard_unchanged, last_change
from nightjar.core.upkeep.retention import StoredFile


@dataclass(frozen=True, slots=True)
class FolderShelf:
    """A `Shelf` of the files anywhere under some folders: of the drafts alone, or of all but drafts."""

    kind: str
    roots: tuple[Path, ...]
    drafts: bool

    def files(self) -> Iterator[StoredFile]:
        for path in (path for root in self.roots for path in root.rglob("*")):
            with suppress(FileNotFoundError):  # it went, or became whole, meanwhile
                if path.is_file() and bool(DRAFT.fullmatch(path.name)) == self.drafts:
                    yield StoredFile(str(path), self.kind, path.stat().st_size, last_change(path))

    def discard(self, file: StoredFile) -> bool:
        return discard_unchanged(Path(file.uri), file.changed_at)
