"""Find in a Postgres program's output the line that names the cause, and say what to do about it."""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rich.filesize import decimal

ELSEWHERE = "or let NIGHTJAR_HOME name a folder elsewhere"
REMEDIES = {
    errno.ENOSPC: f"Its disk has {{space}}; 200 MB are enough to begin with. Free some, {ELSEWHERE}.",
    errno.EDQUOT: f"Raise the quota of its account there, {ELSEWHERE}.",
    errno.EFBIG: "Raise the limit on the size of a file, `ulimit -f`.",
    errno.EROFS: f"Mount its disk so that it can be written, {ELSEWHERE}.",
    errno.EIO: "Its disk cannot be read or written. Look after it; the kernel's log says more.",
    errno.EACCES: f"Let this account read and write it, {ELSEWHERE}.",
    errno.EPERM: f"Let this account read and write it, {ELSEWHERE}.",
    errno.ENOENT: f"Mount it or restore it, {ELSEWHERE}.",
    errno.ENOTDIR: f"Remove the file that is in its place, {ELSEWHERE}.",
    errno.EEXIST: f"Remove what is in its place, {ELSEWHERE}.",
    errno.ELOOP: f"Correct the links on the way to it, {ELSEWHERE}.",
    errno.ENAMETOOLONG: "Let NIGHTJAR_HOME name a shorter path.",
}
"""Remedies by the system's error number. "It" is the folder that the text names."""

SEVERE = re.compile(r"\b(?:PANIC|FATAL|ERROR|error):\s+(.+)")
REFUSED_A_SHELL = re.compile(r"\b(?:cannot create|can't create)\b.+")
NOTHING_BYTES = 100_000
"""With fewer free bytes, a program cannot even write its error message."""


def complaint(said: str) -> str:
    """Return the line that names the cause.

    It is the first severe line that quotes an error of the system, or else the first severe line, or else the
    last line. said: the whole output and log of a program, as text or as Postgres' JSON.
    """
    lines = [as_text(line) for line in said.splitlines() if line.strip()]
    severe = [found[1] for line in lines if (found := SEVERE.search(line))]
    severe += [found[0] for line in lines if (found := REFUSED_A_SHELL.search(line))]
    return next(iter([*filter(cause_of, severe), *severe, *lines[-1:], "nothing"])).strip()


def as_text(line: str) -> str:
    """Convert a line of Postgres' JSON log to the form of its text log. Return other lines unchanged."""
    if line.startswith("{"):
        with suppress(ValueError):
            entry = json.loads(line)
            return f"{entry.get('error_severity')}:  {entry.get('message')}"
    return line


def cause_of(text: str) -> int | None:
    """Return the number of the system's error that a text quotes, or None if it quotes none."""
    return next((number for number in REMEDIES if os.strerror(number) in text), None)


def remedy(told: str, folder: Path, logs: Iterable[Path] = ()) -> str:
    """Say what to do about a complaint.

    told: the line that names the cause. folder: the folder that could not be used. logs: the answer names
    those that exist.
    """
    cause = cause_of(told)
    if cause is not None:
        which = "" if str(folder) in told else f"The folder is {folder}. "
        return which + REMEDIES[cause].format(space=space(folder))
    there = " and ".join(str(log) for log in logs if log.exists())
    return (f"More is in {there}. " if there else "") + "NIGHTJAR_DATABASE_URL names another Postgres."


def space(folder: Path) -> str:
    """Say how much space is left on the folder's disk."""
    if full_of_files(folder):
        return "no room for another file, however small"
    disk = shutil.disk_usage(existing(folder))
    return f"{decimal(disk.free)} of {decimal(disk.total)} free"


def full(folder: Path) -> bool:
    return shutil.disk_usage(existing(folder)).free < NOTHING_BYTES or full_of_files(folder)


def full_of_files(folder: Path) -> bool:
    """True if the folder's disk has no inode left."""
    status = os.statvfs(existing(folder))
    return status.f_files > 0 and status.f_favail == 0


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest existing one above it."""
    exists = os.path.exists  # Path.exists raises an error for a name that is too long
    return next(path for path in (folder, *folder.parents) if exists(path))
