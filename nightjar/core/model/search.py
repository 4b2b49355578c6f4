"""A search: which parameters of a learner are tried, within which ranges, and on how many nights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

Param = str | int | float | bool
Params = Mapping[str, Param]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number from low to high, both included. log: small numbers are tried as often as large ones."""

    low: int
    high: int
    log: bool = False

    def holds(self, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    @property
    def faulty(self) -> bool:
        return not (self.low < self.high and (self.low > 0 or not self.log))


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """A number from low to high, both included. log: as for whole numbers."""

    low: float
    high: float
    log: bool = False

    def holds(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high

    @property
    def faulty(self) -> bool:
        return not (self.low < self.high and (self.low > 0 or not self.log))


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """One of at least two values, without an order."""

    values: tuple[Param, ...]

    def holds(self, value: object) -> bool:
        return any(value == each and type(value) is type(each) for each in self.values)

    @property
    def faulty(self) -> bool:
        return len(set(self.values)) < 2


Span = Whole | Real | OneOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search tries. A learner reads its parameters from `spec.params`.

    space: parameter -> the values to try. Each is in `params` of the spec, with the value of today within it.
    folds, fold_days: parameters are compared on so many stretches of so many days each, one after the other.
    A learner is fitted on the days before each. The stretch after the last of them confirms what was found:
    it chooses nothing. All lie before the days that judge a version.
    """

    space: Mapping[str, Span]
    folds: Annotated[int, Field(ge=1)] = 3
    fold_days: Annotated[int, Field(ge=1)] = 28

    def faults(self, params: Params) -> Iterator[str]:
        """What is wrong with it. params: those of the spec."""
        if not self.space:
            yield "must name a parameter to try"
        for name, span in self.space.items():
            if span.faulty:
                yield f"has no two values of {name!r} to try, or tries 0 on a scale of logs: {span}"
            if name not in params:
                yield f"tries {name!r}, and `params` has no value of it"
            elif not span.holds(params[name]):
                yield f"tries {name!r} in {span}, and {params[name]!r}, its value in `params`, is not there"
