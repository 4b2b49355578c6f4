"""The command line, in a process of its own: all that it prints, and on request all that any library logs
meanwhile, however little it matters.
"""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any


def run(order: dict[str, Any]) -> int:
    """order: `argv` without the command's name, the whole `environment`, and whether `everything` is
    logged.
    """
    os.environ.clear()
    os.environ.update(order["environment"])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="strict")
    if order["everything"]:
        logging.getLogger().handlers[:] = [logging.StreamHandler()]
        logging.getLogger().setLevel(logging.DEBUG)
    return command(order["argv"])


def command(argv: Sequence[str]) -> int:
    """The exit code of the command line as it is, in this process."""
    from nightjar.cli import main

    sys.argv = ["nightjar", *argv]
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    raise AssertionError("a command ends with SystemExit")
