"""Lines of a program's output as JSON objects.

A line that is one already stays; a traceback becomes one, and any other line too.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

BEGINS = re.compile(r"^[\s|+]*(?:Exception Group )?Traceback \(most recent call last\):$")
LINKS = re.compile(
    r"^The above exception was the direct cause of the following exception:$"
    r"|^During handling of the above exception, another exception occurred:$"
)
INDENTED = re.compile(r"^\s|^$")
GROUP = re.compile(r"^[\s|]*([\w.]*ExceptionGroup: .*)$")
FOOT = re.compile(r"^\s*\+-{20,}$")
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

OURS = '{"timestamp": "'
"""How every object begins that is made here."""


def rendered(event: str, *, at: datetime, level: str, logger: str, fields: Mapping[str, object]) -> str:
    """One line: the fields that every object has, in this order, then the others."""
    first = {"timestamp": stamp(at), "level": level, "logger": logger, "event": event}
    return strict_json({**first, **fields})


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def strict_json(value: Mapping[str, object]) -> str:
    """ASCII on one line, as every reader of JSON takes it. What JSON does not know is written as text."""
    try:
        return json.dumps(value, default=repr, allow_nan=False)
    except (ValueError, TypeError):  # a number that is none, a key that is no text, or what holds itself
        return json.dumps(
            {str(name): known(each) for name, each in value.items()}, default=repr, allow_nan=False
        )


def known(value: object) -> object:
    """A value that JSON knows as it is; any other as text, whole."""
    try:
        json.dumps(value, default=repr, allow_nan=False)
    except (ValueError, TypeError):
        return repr(value)
    return value


def is_object(line: str) -> bool:
    """Whether a line is one JSON object already."""
    if not line.startswith("{"):
        return False
    try:
        return isinstance(json.loads(line, parse_constant=_refused), dict)
    except (ValueError, RecursionError):
        return False


def _refused(constant: str) -> object:
    raise ValueError(constant)


def visible(line: str) -> str:
    """What a person would see of a line: no colours, and of a progress bar its last state."""
    return COLOURS.sub("", line).rstrip("\r\n").rpartition("\r")[2].rstrip()


def begins(line: str) -> bool:
    """Whether a traceback, or the next one of a chain, begins with a line."""
    return bool(BEGINS.match(line) or LINKS.match(line))


def goes_on(block: Sequence[str], line: str) -> bool:
    """Whether a line belongs to the traceback that was begun."""
    return bool(INDENTED.match(line) or LINKS.match(line)) or not told(block)


def told(block: Sequence[str]) -> bool:
    """True if the newest traceback of a block names its exception already, or is at the foot of a group."""
    for line in reversed(block):
        if begins(line):
            return False
        if FOOT.match(line) or not INDENTED.match(line):
            return True
    return False


def as_object(block: Sequence[str], at: datetime, logger: str) -> str:
    """A line, or a whole traceback, as one object."""
    if not begins(block[0]):
        return rendered(block[0].strip(), at=at, level="info", logger=logger, fields={})
    text = "\n".join(block).rstrip()
    return rendered(headline(block), at=at, level="error", logger=logger, fields={"exception": text})


def headline(block: Sequence[str]) -> str:
    """The line of a traceback that names its exception.

    It is the last that is not indented, or the first of a group.
    """
    named = [line for line in block if not (INDENTED.match(line) or begins(line))]
    grouped = [found[1] for line in block if (found := GROUP.match(line))]
    return next(iter([*named[-1:], *grouped, block[0].strip()]))
