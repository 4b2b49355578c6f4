"""Values as texts that are the same in every process and on every machine."""

from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import chain
from typing import Any, cast
from zoneinfo import ZoneInfo

import polars as pl

from nightjar.core.content import content_sha256

PLAIN = (
    bool,
    int,
    float,
    complex,
    bytes,
    date,
    time,
    timedelta,
    Decimal,
    Enum,
    ZoneInfo,
    pl.DataType,
    type(None),
)
COLLECTIONS = (tuple, list, set, frozenset, dict)


def plainly(value: Any) -> str | None:
    """A value as text, the same in every process. None for one that has no such text.

    Absolute paths have none: they differ between machines.
    """
    if isinstance(value, PLAIN) or (isinstance(value, str) and not value.startswith("/")):
        return f"{type(value).__qualname__}.{value.name}" if isinstance(value, Enum) else repr(value)
    if isinstance(value, pl.DataFrame | pl.Series):
        return content_sha256(value if isinstance(value, pl.DataFrame) else value.to_frame())
    return _joined(*map(plainly, _members(value))) if type(value) in COLLECTIONS else None


def _members(value: Any) -> list[Any]:
    """The members of a collection. Those of a set have no order of their own."""
    if isinstance(value, dict):
        return list(chain.from_iterable(cast("dict[Any, Any]", value).items()))
    members = list(cast("list[Any]", value))
    return sorted(members, key=repr) if isinstance(value, set | frozenset) else members


def _joined(*texts: str | None) -> str | None:
    return None if None in texts else f"[{', '.join(filter(None, texts))}]"
