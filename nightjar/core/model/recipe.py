"""What rows are made by: their declaration, their code, and the constants it uses.

The same recipe gives the same rows for the same raw data. Comments, docstrings, type hints,
formatting, and the order and the place of definitions make no difference. Code counts as far as it lies in
the top-level package of what is called, which is the package of the models.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from itertools import chain
from types import FunctionType, MethodType
from typing import Any, cast

from nightjar.core.model.definitions import Name, ReadModule, definitions
from nightjar.core.model.plainly import plainly
from nightjar.core.model.spec import FeatureTable, ModelSpec


def recipe_of(table: FeatureTable, read: ReadModule) -> str:
    """A short hash of everything that makes the table's rows, apart from the raw data.

    The name, the description, `ttl` and `max_age` do not count: no row depends on them.
    """
    declared = f"{dict(table.keys)} {dict(table.features)} {table.lookback_days} {table.sources}"
    return _hashed(declared, table.compute, read)


def recipes_of_model(spec: ModelSpec, read: ReadModule) -> Mapping[str, str]:
    """The same of everything that makes a model's `population` and its `outcomes`.

    To the population belongs which days it reads, and at which instant before its own day it is read.
    """
    population = f"{spec.population_reads} {spec.horizon_days} {spec.as_of_time} {spec.time_zone}"
    return {
        "population": _hashed(population, spec.population, read),
        "outcomes": _hashed(f"{spec.outcome_reads}", spec.outcomes, read),
    }


def _hashed(declared: str, code: Callable[..., object], read: ReadModule) -> str:
    found = Ingredients()
    found.take(code)
    said = {*found.said, *definitions(found.names, cache(read))}
    return sha256("\n".join([declared, *sorted(said)]).encode()).hexdigest()[:16]


@dataclass(slots=True)
class Ingredients:
    """The definitions that an object uses by name, and the values that are bound to it."""

    names: list[Name] = dataclasses.field(default_factory=list[Name])
    said: list[str] = dataclasses.field(default_factory=list[str])
    _taken: dict[int, object] = dataclasses.field(default_factory=dict[int, object])

    def take(self, value: Any) -> None:
        """Add a function, a partial, a method, an object that is called, or a value bound to one."""
        if id(value) in self._taken:
            return
        self._taken[id(value)] = value
        if isinstance(value, FunctionType | type):
            self.names.append((value.__module__, _root(value)))
            self.said.append(value.__qualname__)
        elif (text := plainly(value)) is not None:
            self.said.append(text)
        for each in _inside(value):
            self.take(each)


def _root(value: Any) -> str:
    root = value.__qualname__.partition(".")[0]
    return f"@{value.__code__.co_firstlineno}" if root == "<lambda>" else root


def _inside(value: Any) -> Sequence[Any]:
    """The values that are bound to an object."""
    if isinstance(value, partial):
        return (value.func, *value.args, *chain.from_iterable(sorted(value.keywords.items())))
    if isinstance(value, MethodType):
        return (value.__func__, value.__self__)
    if isinstance(value, FunctionType):
        return tuple(cell.cell_contents for cell in value.__closure__ or ())
    if isinstance(value, type) or plainly(value) is not None:
        return ()
    if dataclasses.is_dataclass(value):
        state = [getattr(value, field.name) for field in dataclasses.fields(value)]
    else:
        state = [each for _, each in sorted(getattr(value, "__dict__", {}).items())]
    return (cast("type", type(value)), *state)
