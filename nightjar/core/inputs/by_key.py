"""The rows of a night by a key, beside the rows of the same keys on the night before.

A key has some columns: those of a feature table, or the entity. Its first row counts, on both nights. Keys
are numbered with dictionaries of Python: a query of Polars takes as long for one step of it as all of this.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.inputs.former import Pairs, matrix

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Keyed:
    """rows: of the night. key: the columns. of: the number of each row's key, from 0, in order of the rows.

    before: the rows of the night before; None: there is none. again: the numbers of the keys that it has too,
    rising. A key with a null was not met.
    """

    rows: pl.DataFrame
    key: Sequence[str]
    of: Places
    before: pl.DataFrame | None
    again: Places
    _before: Places

    @cached_property
    def first(self) -> Places:
        """The place of the first row of each key."""
        return np.unique(self.of, return_index=True)[1]

    @cached_property
    def once(self) -> pl.DataFrame:
        """The first row of each key."""
        return self.rows[self.first]

    @cached_property
    def heights(self) -> Places:
        """How many rows each key has."""
        return np.bincount(self.of)

    @cached_property
    def now(self) -> pl.DataFrame:
        """Of the keys that were met again: their rows of `once`."""
        return self.once[self.again]

    @cached_property
    def then(self) -> pl.DataFrame:
        """Their first rows of the night before, in the same order."""
        return self.rows.clear() if self.before is None else self.before[self._before]

    @cached_property
    def gone(self) -> NDArray[np.bool_]:
        """Of each row of the night before, whether its key is not met again. Each key has one row there."""
        lacking = np.ones(0 if self.before is None else self.before.height, bool)
        lacking[self._before] = False
        return lacking

    @cached_property
    def new(self) -> NDArray[np.bool_]:
        """Of each row of the night, whether the night before lacks its key."""
        lacking = np.ones(len(self.first), bool)
        lacking[self.again] = False
        return lacking[self.of]

    def pairs(self, names: Sequence[str]) -> Pairs:
        """The values of number columns of the keys that were met again."""
        return Pairs.known_twice(names, matrix(self.now, names), matrix(self.then, names))


def keyed(rows: pl.DataFrame, key: Sequence[str], before: pl.DataFrame | None = None) -> Keyed:
    """rows, before: as in `Keyed`; both have the columns of the key."""
    numbers = dict[Any, int]()
    of = np.array([numbers.setdefault(each, len(numbers)) for each in _keys(rows, key)], dtype=np.intp)
    places = {} if before is None else _first_places(before, key)
    found = [(numbers[each], places[each]) for each in numbers if each in places and not _lacks(each)]
    again, then = np.array(found, dtype=np.intp).reshape(-1, 2).T
    return Keyed(rows, key, of, before, again, then)


def _keys(rows: pl.DataFrame, key: Sequence[str]) -> Iterable[Any]:
    first, *others = (rows[name].to_list() for name in key)
    return zip(first, *others, strict=True) if others else first


def _first_places(rows: pl.DataFrame, key: Sequence[str]) -> dict[Any, int]:
    places = dict[Any, int]()
    for place, each in enumerate(_keys(rows, key)):
        places.setdefault(each, place)
    return places


def _lacks(key: Any) -> bool:
    return key is None or (isinstance(key, tuple) and None in key)
