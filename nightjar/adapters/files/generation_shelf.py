"""The generations of feature tables that are not read today, for retention."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from nightjar.adapters.files.atomic import last_change
from nightjar.adapters.files.generations import not_read
from nightjar.core.errors.night import WorkBusy
from nightjar.core.upkeep.retention import StoredFile

GOING = "_going-"
"""What the name of a generation begins with while it is removed. No build takes it up."""


@dataclass(frozen=True, slots=True)
class GenerationShelf:
    """A `Shelf` whose files are folders `<features>/<table>/<generation>`, whole or not.

    Never the generation that is read today, nor the first one, which shares the table's folder.
    alone: a lock against whoever builds features. Raises WorkBusy.
    """

    features: Path
    alone: Callable[[], AbstractContextManager[None]]

    def files(self) -> Iterator[StoredFile]:
        for folder in self._folders():
            files = [path for path in folder.rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files)
            changed_at = max(map(last_change, [folder, *files]))
            yield StoredFile(str(folder), "old generations of features", size, changed_at)

    def discard(self, file: StoredFile) -> bool:
        try:
            with self.alone():
                if file not in self.files():
                    return False
                folder = Path(file.uri)
                going = folder.with_name(GOING + folder.name.removeprefix(GOING))
                folder.rename(going)
                rmtree(going)
                return True
        except WorkBusy:
            return False

    def _folders(self) -> Iterator[Path]:
        for table in sorted(path for path in self.features.glob("*") if path.is_dir()):
            yield from not_read(table)
