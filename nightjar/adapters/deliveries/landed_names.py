"""The names of what has landed, apart from the files of raw days, so that a file that is gone is missed.

Each delivery has an empty file, and those of a dataset lie in one folder. They are listed and not opened.
Processes that land other files at the same time write other names.
"""

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from nightjar.adapters.files.atomic import sync_folder

PREFIX = "date="
FOLDER = re.compile(r"date=\d{4}-\d\d-\d\d(\.\.\d{4}-\d\d-\d\d)?")
"""A day, or the first and the last day of files about several days."""
DELIVERY = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{16}\.parquet")
"""What has another name was not put here by us, and is no delivery."""
BETWEEN, GIVEN_UP = ",", ".given-up"
NAME = re.compile(rf"{FOLDER.pattern}{BETWEEN}{DELIVERY.pattern}({re.escape(GIVEN_UP)})?")

ByFolder = defaultdict[str, Collection[str]]
"""The name of a folder of raw days -> the names of deliveries in it. Of another folder: none."""


@dataclass(frozen=True, slots=True)
class LandedNames:
    """Names of deliveries, `<root>/landed/<dataset>/date=YYYY-MM-DD,<name of the file>`.

    A delivery is noted when its file is in its place. If the process is killed in between, the file counts,
    and whoever looks next notes it.
    """

    root: Path

    def of(self, dataset: str) -> tuple[ByFolder, ByFolder]:
        """The deliveries whose files should be there, and those that a person has given up."""
        expected, given_up = ByFolder(list), ByFolder(list)
        for each in names_in(self._folder(dataset), NAME):
            folder, _, name = each.partition(BETWEEN)
            named = name.removesuffix(GIVEN_UP)
            of = expected if named == name else given_up
            of[folder] = [*of[folder], named]
        return expected, given_up

    def add(self, dataset: str, found: Iterable[tuple[str, str]]) -> None:
        """Note deliveries in their places: the name of the folder and that of the file. Idempotent."""
        folder = self._folder(dataset)
        if new := [*found]:
            folder.mkdir(parents=True, exist_ok=True)
            for of, name in new:
                (folder / f"{of}{BETWEEN}{name}").touch()
                (folder / f"{of}{BETWEEN}{name}{GIVEN_UP}").unlink(missing_ok=True)
            sync_folder(folder)

    def give_up(self, dataset: str, of: str, name: str) -> None:
        """Note that the file of a delivery will not come back. Idempotent."""
        noted = self._folder(dataset) / f"{of}{BETWEEN}{name}"
        if noted.exists():
            noted.rename(noted.with_name(noted.name + GIVEN_UP))
            sync_folder(noted.parent)

    def _folder(self, dataset: str) -> Path:
        return self.root / "landed" / dataset


def names_in(folder: Path | str, form: re.Pattern[str]) -> list[str]:
    """The names in a folder that have the form, sorted: no drafts of files being written.

    Nothing if there is no folder.
    """
    try:
        # `os.listdir` gives names alone, which is faster: a call reads hundreds of folders.
        return sorted(name for name in os.listdir(folder) if form.fullmatch(name))  # noqa: PTH208
    except FileNotFoundError:
        return []
