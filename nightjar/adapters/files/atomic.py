"""Files that are whole or not there: written beside their place, synced to disk, then renamed into it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import polars as pl

from nightjar.core.parquet import parquet

DRAFT = re.compile(r"\..+\.[0-9a-f]{32}", re.DOTALL)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; it takes the place of `path` if the block ends well.

    It leaves nothing behind if not. Its name is hidden until then, so that nobody who lists the folder reads
    half of it. Folders are made as needed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(path)
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with suppress(OSError):  # a folder that refuses everything must not hide why
            draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def draft_of(path: Path) -> Path:
    """A name beside `path` that nobody else has: hidden, and known as a draft by DRAFT."""
    return path.with_name(f".{path.name}.{uuid4().hex}")


def drafts(root: Path, older_than: datetime) -> Iterator[Path]:
    """Drafts of killed processes anywhere under `root`, last written to before `older_than` (aware).

    A draft being written is young, so an hour ago is a safe bound. What vanishes meanwhile, or cannot be
    looked at, is passed over.
    """
    for path in root.rglob(".*"):
        with suppress(OSError):
            if (
                DRAFT.fullmatch(path.name)
                and path.is_file()
                and path.stat().st_mtime < older_than.timestamp()
            ):
                yield path


def discard_unchanged(path: Path, changed_at: datetime) -> bool:
    """Remove a file unless it has become younger than `changed_at` (aware); return True if it went.

    Whoever makes it young in time keeps it. It is moved aside first and looked at then: its age cannot change
    any more between the look and the removal.
    """
    aside = draft_of(path)
    try:
        if last_change(path) > changed_at:
            return False
        path.rename(aside)
    except FileNotFoundError:
        return False
    if last_change(aside) > changed_at:
        aside.rename(path)
        return False
    aside.unlink()
    return True


def last_change(path: Path) -> datetime:
    """When a file was last written to or touched (UTC)."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_parquet(rows: pl.DataFrame, path: Path) -> None:
    with replacing(path) as file:
        file.write(parquet(rows))


def write_text(text: str, path: Path) -> None:
    with replacing(path) as file:
        file.write(text.encode())
