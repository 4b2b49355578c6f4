"""Lines of a program's output are turned into JSON objects.

A line that is a JSON object stays as it is. A whole traceback becomes one object, and so does any other line.
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
"""Every object that is made here begins with this text."""


def rendered(event: str, *, at: datetime, level: str, logger: str, fields: Mapping[str, object]) -> str:
    """Return one line: first the fields that every object has, in a fixed order, then the others."""
    first = {"timestamp": stamp(at), "level": level, "logger": logger, "event": event}
    return strict_json({**first, **fields})


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def strict_json(value: Mapping[str, object]) -> str:
    """Return JSON in ASCII on one line, for every reader of JSON. Values unknown to JSON become text."""
    try:
        return json.dumps(value, default=repr, allow_nan=False)
    except (ValueError, TypeError):  # NaN or infinity, a key that is not text, or a value that holds itself
        return json.dumps(
            {str(name): known(each) for name, each in value.items()}, default=repr, allow_nan=False
        )


def known(value: object) -> object:
    """Return a value unchanged if JSON can hold it. Return any other value as one text."""
    try:
        json.dumps(value, default=repr, allow_nan=False)
    except (ValueError, TypeError):
        return repr(value)
    return value


def is_object(line: str) -> bool:
    """True if a line is already one JSON object."""
    if not line.startswith("{"):
        return False
    try:
        return isinstance(json.loads(line, parse_constant=_refused), dict)
    except (ValueError, RecursionError):
        return False


def _refused(constant: str) -> object:
    raise ValueError(constant)


def visible(line: str) -> str:
    """Return the line as a person sees it: without colour codes, and with a progress bar's last state."""
    return COLOURS.sub("", line).rstrip("\r\n").rpartition("\r")[2].rstrip()


def begins(line: str) -> bool:
    """True if a line begins a traceback or the next traceback of a chain."""
    return bool(BEGINS.match(line) or LINKS.match(line))


def goes_on(block: Sequence[str], line: str) -> bool:
    """True if a line belongs to the traceback in the block."""
    return bool(INDENTED.match(line) or LINKS.match(line)) or not told(block)


def told(block: Sequence[str]) -> bool:
    """True if a block's newest traceback has already named its exception, or is at the foot of a group."""
    for line in reversed(block):
        if begins(line):
            return False
        if FOOT.match(line) or not INDENTED.match(line):
            return True
    return False


def as_object(block: Sequence[str], at: datetime, logger: str) -> str:
    """Return a line or a whole traceback as one object."""
    if not begins(block[0]):
        return rendered(block[0].strip(), at=at, level="info", logger=logger, fields={})
    text = "\n".join(block).rstrip()
    return rendered(headline(block), at=at, level="error", logger=logger, fields={"exception": text})


def headline(block: Sequence[str]) -> str:
    """Return the line of a traceback that names its exception.

    It is the last line without indentation, or the first exception line of a group.
    """
    named = [line for line in block if not (INDENTED.match(line) or begins(line))]
    grouped = [found[1] for line in block if (found := GROUP.match(line))]
    return next(iter([*named[-1:], *grouped, block[0].strip()]))
