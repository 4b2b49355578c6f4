"""Several commands, one after another, in one process: what each one prints, and its exit code."""

import sys
from typing import Any

from harness import line

ENDED = "\0"
"""Follows what a command printed. No argument of a process can hold it."""


def run(order: dict[str, Any]) -> int:
    """order: `lines`, each an order of `harness.line`. Only the last may become another program."""
    for each in order["lines"]:
        code = line.run(each)
        sys.stderr.flush()
        sys.stdout.write(f"{ENDED}{code}{ENDED}")
        sys.stdout.flush()
    return 0


def told(code: int, printed: str) -> list[tuple[int, str]]:
    """Of each command the exit code, and what it printed. code, printed: of their process."""
    *parts, rest = printed.split(ENDED)
    ended = [(int(each), said) for said, each in zip(parts[::2], parts[1::2], strict=True)]
    return [*ended, (code, rest)] if rest else ended
