"""The processes of a platform that runs, found by their locks as the next start finds them."""

import os
from pathlib import Path

from nightjar.launcher.child_locks import holders


def pid_of(home: Path, child: str) -> int:
    """The pid of `server`, `watcher` or `worker`, leader of its group. Raises ValueError if there is none."""
    with (home / "run" / f"{child}.lock").open() as lock:
        (group,) = {os.getpgid(pid) for pid in holders(lock)}
    return group
