"""Locks that find child processes which outlive a killed parent. A child holds its lock while it lives.

So the next start finds such a child and ends it. A pid file alone is not enough, because the system reuses
pids. A lock that cannot be taken proves that its holder lives.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import TextIO

from nightjar.adapters.files.disk import require_room
from nightjar.core.errors.settings import BadSettings


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder for this process, and end the children of a killed process that held it before.

    Raises BadSettings if another process holds it now.
    """
    require_room(folder)
    with (folder / "up.lock").open("a+") as lock:
        if not taken(lock):
            raise BadSettings(
                f"`nightjar up` runs already, as process {pid_in(lock)}",
                "Stop it, or give this one another NIGHTJAR_HOME and port.",
            )
        note_pid(lock, os.getpid())
        for child in sorted(folder.glob("*.lock")):
            if child.name != "up.lock":
                end(child)
        yield


@contextmanager
def held_by_child(file: Path) -> Iterator[TextIO]:
    """Yield a locked file to hand to a child with `pass_fds`.

    The caller writes down the child's pid. The child leads its own process group.
    """
    with file.open("a+") as lock:
        flock(lock, LOCK_EX)
        yield lock


def end(file: Path) -> None:
    """Kill the process group that holds the file's lock, and wait until it is gone."""
    with file.open("a+") as lock:
        if not taken(lock):
            os.killpg(pid_in(lock), signal.SIGKILL)
            flock(lock, LOCK_EX)


def taken(lock: TextIO) -> bool:
    try:
        flock(lock, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def note_pid(lock: TextIO, pid: int) -> None:
    lock.truncate(0)
    lock.write(str(pid))
    lock.flush()


def pid_in(lock: TextIO) -> int:
    lock.seek(0)
    return int(lock.read())
