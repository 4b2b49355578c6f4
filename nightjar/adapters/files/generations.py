"""Which generations of a feature table there are on disk, and which one is read.

A file `_generations.json` in the table's folder lists them, oldest first; the last one is read. The first
one lies in the table's folder, each other one in a folder inside it. The underscore of their names hides them
from readers that take every file of a folder.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from nightjar.adapters.feast_polars.spans import Span, replaced
from nightjar.adapters.files.atomic import write_text
from nightjar.adapters.files.damage import OF_INDEX
from nightjar.core.errors.inputs import DamagedFile
from nightjar.core.model.generations import FIRST, Generation
from nightjar.core.values import utc

INDEX = "_generations.json"
PREFIX, PART = "date=", "part.parquet"


def generations_in(folder: Path) -> tuple[Generation, ...]:
    """The generations of the table in a folder.

    Raises DamagedFile, also if the list of them is gone: the first one would be read in place of a later one.
    """
    index = folder / INDEX
    if not index.exists():
        if any(path.is_dir() for path in folder.glob("_*")):
            raise DamagedFile(index, "it is gone, and the table has more generations than one", OF_INDEX)
        return ()
    try:
        return tuple(Generation(each["name"], each["recipe"]) for each in json.loads(index.read_text()))
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedFile(index, f"it lists no generations: {error}", OF_INDEX) from error


def read_from(folder: Path, generation: Generation) -> None:
    """Make a whole generation the one that is read. Atomic; doing it again changes nothing."""
    kept = generations_in(folder)
    if kept[-1:] != (generation,):
        listed = [*(each for each in kept if each != generation), generation]
        text = json.dumps([{"name": each.name, "recipe": each.recipe} for each in listed], indent=0)
        write_text(text, folder / INDEX)


def name_read(folder: Path) -> str:
    """The name of the generation that is read."""
    kept = generations_in(folder)
    return kept[-1].name if kept else FIRST


def not_read(folder: Path) -> Iterator[Path]:
    """The folders of generations that are not read, whole or not. Never that of the first one."""
    now = name_read(folder)
    yield from (path for path in sorted(folder.glob("_*")) if path.is_dir() and path.name != now)


def partitions(folder: Path) -> list[tuple[Span, Path]]:
    """The days of a generation's events with their files, newest first. Raises DamagedFile.

    A file that a file of its month has replaced is left out.
    """
    found = all_partitions(folder)
    old = replaced(("", span) for span, _ in found)
    return [(span, file) for span, file in found if ("", span) not in old]


def partitions_read(folder: Path, ttl: timedelta, as_of: datetime) -> list[tuple[Span, Path]]:
    """Those with events that are not too old at an instant. Raises DamagedFile."""
    oldest, newest = utc(as_of - ttl).date(), utc(as_of).date()
    return [(span, file) for span, file in partitions(folder) if span.meets(oldest, newest)]


def all_partitions(folder: Path) -> list[tuple[Span, Path]]:
    """Those too that a file of their month has replaced, newest first. Raises DamagedFile."""
    named = sorted(((_days_of(path), path / PART) for path in folder.glob("date=*")), reverse=True)
    return [(span, file) for span, file in named if file.exists()]


def folder_name(span: Span) -> str:
    return f"{PREFIX}{span}"


def columns_in(folder: Path) -> frozenset[str]:
    """The columns of a generation's newest file, which Feast takes for those of all. Without a file: none."""
    for _, file in partitions(folder)[:1]:
        return frozenset(pl.scan_parquet(file, glob=False, hive_partitioning=False).collect_schema())
    return frozenset()


def _days_of(folder: Path) -> Span:
    try:
        return Span.of(folder.name.removeprefix(PREFIX))
    except ValueError as error:
        raise DamagedFile(
            folder, "its name is no date", "Move it out of the table's folder: all files in it are read."
        ) from error
