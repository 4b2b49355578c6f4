"""Which published rows are explained, in how many reasons, and in which words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

Value = str | float | bool | None
"""A value of an input, as a frame gives it to Python."""

UNKNOWN = "unknown"
"""What stands in a text in place of a value that is missing."""
PLACEHOLDER = re.compile(r"\{value[^{}]*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """The rows of a published night whose reasons are stored, and how the reasons are told.

    above: rows with a score above this. highest: so many rows with the highest scores. share: this share of
    the rows, drawn anew each night. A row that any of the three names is explained, and no other.
    reasons: how many inputs are kept of each row: those that moved its raw score most, up or down.
    words: input -> a text with `{value}` in it, like "{value} departures in this hour". A format may follow,
    like "wind of {value:.0f} mph". By default, the text is the name of the input and its value.
    """

    above: float | None = None
    highest: Annotated[int, Field(ge=0)] = 0
    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    reasons: Annotated[int, Field(ge=1)] = 5
    words: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    def told(self, name: str, value: Value) -> str:
        """The value of an input in the words of the field."""
        template = self.words.get(name, name + " {value}")
        if value is None:
            return PLACEHOLDER.sub(UNKNOWN, template)
        return template.format(value=Shown(value) if is_number(value) else spelled(value))

    def faults(self, numeric: frozenset[str], inputs: frozenset[str]) -> Iterator[str]:
        """What is wrong with it, in words. numeric, inputs: of the spec."""
        if self.above is None and not self.highest and not self.share:
            yield "names no rows: set above, highest or share, or leave explain out"
        if unknown := sorted(set(self.words) - inputs):
            yield f"has words for {unknown}, which are no inputs"
        for name in sorted(set(self.words) & inputs):
            if problem := self._unwritable(name, 1.5 if name in numeric else "text"):
                yield f"cannot write its words for {name!r}, {self.words[name]!r}: {problem}"

    def _unwritable(self, name: str, value: Value) -> str | None:
        if not PLACEHOLDER.search(self.words[name]):
            return "they must hold {value}"
        try:
            self.told(name, value)
        except (AttributeError, IndexError, KeyError, ValueError) as error:
            return f"{type(error).__name__} {error}"
        return None


class Shown(float):
    """A number that is rounded for people, unless a format says how it is written."""

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else format(rounded(float(self)), "")


def rounded(number: float) -> float | int:
    """Whole numbers without a point, others to two decimals, and small ones to three digits."""
    if number.is_integer():
        return int(number)
    return round(number, 2) if abs(number) >= 1 else float(f"{number:.3g}")


def is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def spelled(value: Value) -> str | None:
    """A value as text, exactly: what is stored of it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)
