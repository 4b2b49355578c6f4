"""Shelves list local files that may become old: drafts of killed writers, copies of delivered files."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nightjar.adapters.files.atomic import DRAFT, discard_unchanged, last_change
from nightjar.core.upkeep.retention import StoredFile


@dataclass(frozen=True, slots=True)
class FolderShelf:
    """A `Shelf` of the files anywhere under some folders.

    drafts: True for the drafts alone, False for all other files.
    """

    kind: str
    roots: tuple[Path, ...]
    drafts: bool

    def files(self) -> Iterator[StoredFile]:
        for path in (path for root in self.roots for path in root.rglob("*")):
            with suppress(FileNotFoundError):  # the file was removed or renamed meanwhile
                if path.is_file() and bool(DRAFT.fullmatch(path.name)) == self.drafts:
                    yield StoredFile(str(path), self.kind, path.stat().st_size, last_change(path))

    def discard(self, file: StoredFile) -> bool:
        return discard_unchanged(Path(file.uri), file.changed_at)
