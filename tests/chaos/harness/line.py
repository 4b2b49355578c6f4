"""The command line, in a process of its own: all that it prints, and on request all that any library logs meanwhile, however little it matters."""

import logging
import os
import sys
from typing import Any


def run(order: dict[str, Any]) -> int:
    """order: `argv` without the command's name, the whole `environment`, and whether `everything` is logged."""
    from nightjar.cli import main

    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["nightjar", *order["argv"]]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="strict")
    if order["everything"]:
        logging.getLogger().addHandler(logging.StreamHandler())
        logging.getLogger().setLevel(logging.DEBUG)
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    raise AssertionError("a command ends with SystemExit")
