"""A small disk that can be full, read-only, or without room for another file."""

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path


class Disk:
    """A tmpfs that can be filled and made read-only; where mounting is not permitted, a plain folder and
    `refused` says why not.
    """

    def __init__(self, folder: Path, size: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        self.refused = (
            None if done.returncode == 0 else f"mounting is not permitted here: {done.stderr.strip()}"
        )

    @property
    def ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """Leave not one byte free."""
        with self.ballast.open("ab") as file:
            for step in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), step)

    def free(self) -> None:
        self.ballast.unlink(missing_ok=True)

    def remount(self, how: str) -> None:
        """It is tried for 20 s: a server that could not start may still have a file open."""
        command = ["mount", "-o", f"remount,{how}", self.folder]
        deadline = time.monotonic() + 20
        while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.1)

    def unmount(self) -> None:
        if self.refused is None:
            subprocess.run(["umount", "-l", self.folder], check=False)
