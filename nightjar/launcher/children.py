"""A child process of `nightjar up`, in its own process group, with a log and a lock in the home."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from nightjar.launcher.child_locks import held_by_child
from nightjar.wiring.settings import PROJECT, Settings

STOPS_WITHIN_S = 15
LAST_LINES_WITHIN_S = 5


class Child:
    """A child process, which starts when the object is made.

    Ctrl-C in a terminal does not reach its group. So the platform chooses the order in which processes stop.
    """

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], settings: Settings) -> None:
        logs, locks = settings.home / "logs", settings.home / "run"
        with (logs / f"{name}.log").open("ab") as file, held_by_child(locks / f"{name}.lock") as lock:
            self._log = filtering(name, file) if settings.log_format == "json" else None
            with self._log.stdin if self._log and self._log.stdin else file as log:
                self.process = subprocess.Popen(
                    command,
                    env=env,
                    cwd=PROJECT,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                    pass_fds=[lock.fileno()],
                )

    def ended(self) -> str | None:
        """Return how it ended; None while it lives."""
        code = self.process.poll()
        return None if code is None else f"ended with code {code}"

    def ready(self) -> bool:
        """Return True if it lives and others can use it."""
        return self.ended() is None

    def stop(self) -> None:
        """Ask it to end. Kill its whole group if it lives longer than STOPS_WITHIN_S."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self._log is not None:
            with suppress(subprocess.TimeoutExpired):
                self._log.wait(LAST_LINES_WITHIN_S)


def filtering(name: str, file: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start a process that converts each line that it reads to JSON.

    It ends when the last process that writes to it ends.
    """
    command = [sys.executable, "-m", "nightjar.wiring.json_lines", "--logger", name]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file, start_new_session=True)
