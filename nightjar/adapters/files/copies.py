"""The folder for copies of remote files. Processes of one account share it, and no other account enters it.

What lies there is used as it is. A copy is a file or folder `<folder>/<group>/<name>`. One that nobody has
used for some days is removed.
"""

import os
import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

from nightjar.adapters.files.atomic import draft_of, last_change
from nightjar.core.errors.settings import BadSettings

UNUSED = timedelta(days=8)
"""How long a copy is kept that nobody uses. The next night of a weekly model finds the copies of the last."""


def own_folder(folder: Path) -> Path:
    """Return the folder, made if it is missing. Raises BadSettings if another account could write there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise BadSettings(
            f"{folder}, the folder for copies of artifacts, is a link or belongs to another account",
            "Remove it, or let TMPDIR name a folder of this account.",
        )
    if found.st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def used(copy: Path) -> bool:
    """Note that a copy is used now. False if there is none."""
    try:
        os.utime(copy)
    except FileNotFoundError:
        return False
    return True


def remove_unused(folder: Path) -> None:
    """Remove the copies that nobody has used for UNUSED, and what killed processes left of others.

    What cannot be removed now stays, and stops nobody.
    """
    since = datetime.now(UTC) - UNUSED
    for copy in folder.glob("*/*"):
        with suppress(OSError):  # most often another process was faster
            if last_change(copy) < since:
                _remove(copy)


def _remove(copy: Path) -> None:
    """Nobody finds half of it, also if this process is killed meanwhile."""
    aside = draft_of(copy)
    copy.rename(aside)
    if aside.is_dir():
        rmtree(aside, ignore_errors=True)
    else:
        aside.unlink()
