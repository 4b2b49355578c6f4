"""Makes one JSON object of every line that a program prints, and of every traceback.

It handles the output that logging does not reach.

    python -m nightjar.wiring.json_lines --logger worker               reads its input
    python -m nightjar.wiring.json_lines --logger worker COMMAND...    runs a command

The output of a command becomes JSON where NIGHTJAR_LOG_FORMAT is json. The command gets the signals that this
program gets, and its exit code is the command's. Only the standard library is imported: each process of the
platform has one of these beside it.
"""

import argparse
import codecs
import io
import os
import select
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

from nightjar.core.platform.log_lines import (
    OURS,
    as_object,
    begins,
    goes_on,
    is_object,
    rendered,
    told,
    visible,
)

SETTLES_AFTER_S = 0.5
"""A traceback counts as complete after this time without another line."""

LINGERS_S = 5
"""How long processes that a command left running may still write."""

LONGEST_LINE = 1_000_000
LONGEST_BLOCK = 2_000
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class Lines:
    """Takes text in any pieces and writes lines, each one a JSON object.

    logger: the name under which plain lines go.
    """

    def __init__(self, logger: str, write: Callable[[str], None]) -> None:
        self._logger, self._write = logger, write
        self._rest, self._block = "", list[str]()

    def feed(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(line)
        if len(self._rest) > LONGEST_LINE:
            self._take(self._rest)
            self._rest = ""

    def settle(self) -> None:
        """Write the pending text: no more of it will come. Half an object still waits for its rest."""
        if not self._rest.startswith("{"):
            self._take(self._rest)
            self._rest = ""
        self._end_block()

    def _end_block(self) -> None:
        if self._block:
            self._write(as_object(self._block, datetime.now(UTC), self._logger))
            self._block = []

    def close(self) -> None:
        self._take(self._rest)
        self._rest = ""
        self._end_block()

    def _take(self, line: str) -> None:
        """Take a line. One of our objects may follow text that was printed without a line end."""
        text, begins, rest = ("", "", line) if line.startswith("{") else line.rpartition(OURS)
        if is_object(begins + rest):
            self._take_text(visible(text))
            self._pass_on(begins + rest)
        else:
            self._take_text(visible(line))

    def _pass_on(self, line: str) -> None:
        """Write a line. Another thread's object may come in the middle of a traceback."""
        if self._block and told(self._block):
            self._end_block()
        self._write(line.rstrip())

    def _take_text(self, line: str) -> None:
        if self._block and len(self._block) < LONGEST_BLOCK and goes_on(self._block, line):
            self._block.append(line)
            return
        self._end_block()
        if begins(line):
            self._block = [line]
        elif any(map(str.isalnum, line)):  # else it only decorates, like the frame of a table
            self._write(as_object([line], datetime.now(UTC), self._logger))


class JsonStream(io.TextIOBase):
    """Replaces sys.stderr or sys.stdout, and turns everything printed there into JSON."""

    def __init__(self, stream: TextIO, logger: str) -> None:
        self._stream = stream
        self._lines = Lines(logger, lambda line: print(line, file=stream, flush=True))

    def write(self, text: str) -> int:
        self._lines.feed(text)
        return len(text)

    def flush(self) -> None:
        self._lines.settle()
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io's stub has an attribute
        return "utf-8"


def speak_json() -> None:
    """Turn the stderr output of this process into lines of JSON, except in a terminal."""
    if not (spoken_as_json() or sys.stderr.isatty()):
        sys.stderr = JsonStream(sys.stderr, "nightjar")


def spoken_as_json() -> bool:
    """True if the stderr output of this process is JSON."""
    return isinstance(sys.stderr, JsonStream)


class Log:
    """A file that lines go to.

    Lines that a full disk refuses are lost and counted. The program that prints them must not stop for that.
    """

    def __init__(self, descriptor: int, logger: str) -> None:
        self._descriptor, self._logger = descriptor, logger
        self._regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._lost, self._why = 0, ""

    def write(self, line: str) -> None:
        if self._lost and self._written(self._told_loss()):
            self._lost = 0
        if not self._written(line):
            self._lost += 1

    def _told_loss(self) -> str:
        event, fields = f"{self._lost} lines could not be written: {self._why}", {"lost": self._lost}
        return rendered(event, at=datetime.now(UTC), level="error", logger=self._logger, fields=fields)

    def _written(self, line: str) -> bool:
        """Write the whole line or nothing: half a line in the file would break the next line too."""
        data = f"{line}\n".encode()
        size = os.fstat(self._descriptor).st_size
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self._why = error.strerror or str(error)
            if self._regular:
                with suppress(OSError):
                    os.ftruncate(self._descriptor, size)
            return False
        return True


def pump(source: int, lines: Lines, alive: Callable[[], bool]) -> None:
    """Read to the end, or until nobody has written for LINGERS_S after `alive` became false."""
    decoder, quiet = codecs.getincrementaldecoder("utf-8")("replace"), 0.0
    while quiet < LINGERS_S:
        if not select.select([source], [], [], SETTLES_AFTER_S)[0]:
            lines.settle()
            quiet = 0.0 if alive() else quiet + SETTLES_AFTER_S
            continue
        data = os.read(source, 1 << 16)
        if not data:
            break
        lines.feed(decoder.decode(data))
    lines.close()


def run(command: list[str], lines: Lines) -> int:
    """Run a command and pass its output through `lines`. Return its exit code as a shell reports it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        for number in PASSED_ON:
            signal.signal(number, lambda received, _: child.send_signal(received))
        assert child.stdout is not None
        pump(child.stdout.fileno(), lines, lambda: child.poll() is None)
        code = child.wait()
    return code if code >= 0 else 128 - code


def main(words: list[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m nightjar.wiring.json_lines", description=__doc__)
    options.add_argument("--logger", default="nightjar")
    options.add_argument("command", nargs=argparse.REMAINDER)
    given = options.parse_args(words)
    if given.command and os.environ.get("NIGHTJAR_LOG_FORMAT") != "json":
        os.execvp(given.command[0], given.command)
    lines = Lines(given.logger, Log(sys.stdout.fileno(), given.logger).write)
    if given.command:
        return run(given.command, lines)
    pump(sys.stdin.fileno(), lines, lambda: True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
