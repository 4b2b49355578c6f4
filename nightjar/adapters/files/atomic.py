"""Files are whole or absent: they are written beside their place, synced to disk, then renamed."""

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
    """Open a file for writing, which replaces `path` when the block ends without an error.

    After an error nothing is left. The file's name is hidden until the end, so that no reader of the folder
    sees half of it. Missing folders are created.
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
        with suppress(OSError):  # an error here must not hide the first one
            draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def draft_of(path: Path) -> Path:
    """Return a unique hidden name beside `path`. DRAFT matches it."""
    return path.with_name(f".{path.name}.{uuid4().hex}")


def drafts(root: Path, older_than: datetime) -> Iterator[Path]:
    """Yield drafts of killed processes anywhere under `root`, last written before `older_than` (aware).

    A draft that is being written is young, so an hour ago is a safe bound. Files that vanish meanwhile or
    cannot be read are skipped.
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
    """Remove a file unless it was changed after `changed_at` (aware). Return True if it was removed.

    A process that touches the file in time keeps it. The file is first moved aside and then checked, so that
    its age cannot change between the check and the removal.
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
    """Return when a file was last written or touched (UTC)."""
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
