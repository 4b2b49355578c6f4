"""Windows of feature tables in the artifact store, for workers that do not have the data folder.

Each file of a window is an artifact, so what did not change is stored once for all nights. A list of them, an
artifact too, says which files a run reads. A worker makes a folder of the same shape of it.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import rmtree

from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.files.copies import own_folder, remove_unused, used
from nightjar.adapters.files.generations import INDEX, partitions_read
from nightjar.core.model.generations import FIRST, Generations
from nightjar.core.model.spec import FeatureTable
from nightjar.core.upkeep.retention import SHARED, SHARED_GRACE

Shared = tuple[str, str]
"""The uri and hash of a list of files."""


@dataclass(frozen=True, slots=True)
class SharedFeatures:
    """Raises ArtifactBroken, StoreUnavailable, and OSError for the local files."""

    artifacts: FsspecArtifacts

    def share(
        self, features: Path, tables: Sequence[FeatureTable], generations: Generations, as_of: datetime
    ) -> Shared:
        """Store what a night reads of its feature tables.

        features: the folder of feature tables. as_of: UTC; rows of an event after it are not shared.
        """
        found = dict(_wanted(features, tables, generations, as_of))
        stored = self.artifacts.put_all(SHARED, [*found.values()], young=SHARED_GRACE / 2)
        listed = dict(zip(found, stored, strict=True))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "files.json"
            file.write_text(json.dumps(listed, indent=0, sort_keys=True))
            return self.artifacts.put(SHARED, file)

    def folder(self, shared: Shared) -> Path:
        """The folder of feature tables that holds what was shared, and nothing else.

        Ask for it each time that it is read: it is removed some days after it was last asked for, and made
        again.
        """
        made = self._folders / shared[1]
        if not used(made):
            listed: Mapping[str, tuple[str, str]] = json.loads(self.artifacts.get(*shared).read_text())
            files = self.artifacts.get_all([*listed.values()])
            self._make(made, dict(zip(listed, files, strict=True)))
        return made

    def _make(self, folder: Path, files: Mapping[str, Path]) -> None:
        """Make the folder whole or not at all: other processes of this machine may make it too."""
        self._folders.mkdir(exist_ok=True)
        remove_unused(self.artifacts.cache)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self._folders))
        try:
            for name, file in files.items():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                _link(file, draft / name)
            try:
                draft.rename(folder)
            except OSError:
                if not folder.exists():  # else another process was faster
                    raise
        finally:
            rmtree(draft, ignore_errors=True)

    @property
    def _folders(self) -> Path:
        return own_folder(self.artifacts.cache) / SHARED


def _wanted(
    features: Path, tables: Sequence[FeatureTable], generations: Generations, as_of: datetime
) -> Iterator[tuple[str, Path]]:
    """The files that a night reads, by their names in the folder of feature tables."""
    for table in tables:
        generation = generations.get(table.name, FIRST)
        if (index := features / table.name / INDEX).exists():
            yield f"{table.name}/{INDEX}", index
        for _, file in partitions_read(features / table.name / generation, table.ttl, as_of):
            yield str(file.relative_to(features)), file


def _link(file: Path, name: Path) -> None:
    """A second name of a file that is never changed. On another disk it is a link to the first one."""
    try:
        os.link(file, name)
    except OSError:
        name.symlink_to(file)
