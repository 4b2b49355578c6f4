"""Locks that find child processes which outlive a killed parent. A child holds its lock while it lives.

So the next start finds such a child and ends it: a lock that cannot be taken proves that its holder lives,
and the holder has the file open with its lock. No pid is written down for this. The parent may be killed
before it writes one, and the system reuses pids.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from shlex import quote
from typing import TextIO

import psutil

from nightjar.adapters.files.disk import require_room
from nightjar.core.errors.settings import BadSettings


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder for this process, and end the children of a killed process that held it before.

    Raises BadSettings if another process holds it now, or a child that this account cannot look into.
    """
    require_room(folder)
    with (folder / "up.lock").open("a+") as lock:
        if not taken(lock):
            who = " or ".join(map(str, holders(lock))) or "of another account"
            raise BadSettings(
                f"`nightjar up` runs already, as process {who}",
                "Stop it, or give this one another NIGHTJAR_HOME and port.",
            )
        for child in sorted(folder.glob("*.lock")):
            if child.name != "up.lock":
                end(child)
        yield


@contextmanager
def held_by_child(file: Path) -> Iterator[TextIO]:
    """Yield a locked file to hand to a child with `pass_fds`. The child leads its own process group."""
    with file.open("a+") as lock:
        flock(lock, LOCK_EX)
        yield lock


def end(file: Path) -> None:
    """Kill the process group that holds the file's lock, and wait until it is gone. Raises BadSettings."""
    with file.open("a+") as lock:
        if not taken(lock):
            found = holders(lock)
            if not found:
                raise BadSettings(
                    f"A `nightjar up` that was killed left a process of another account, which holds {file}",
                    f"End it: `sudo fuser {quote(str(file))}` prints its number.",
                )
            for pid in found:
                with suppress(ProcessLookupError):
                    os.killpg(os.getpgid(pid), signal.SIGKILL)
            flock(lock, LOCK_EX)


def taken(lock: TextIO) -> bool:
    try:
        flock(lock, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holders(lock: TextIO) -> list[int]:
    """The other processes that hold the file's lock, as far as this account can look into them."""
    file, opened = str(Path(lock.name).resolve()), dict[int, bool]()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            places = [each.fd for each in process.open_files() if each.path == file]
            if process.pid != os.getpid() and places:
                opened[process.pid] = any(_locks(process.pid, fd) for fd in places)
    # Somebody holds it. If the system does not say who, it may be any of them.
    return [pid for pid, locks in opened.items() if locks] or [*opened]


def _locks(pid: int, fd: int) -> bool:
    """Whether the system says of an open file that it holds a lock (proc_pid_fdinfo(5))."""
    try:
        return "FLOCK" in Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
    except OSError:
        return False
