"""Readings of number columns beside their own values of the published night before.

All columns of a key are read at once, a row a key and a column a column. NaN stands for a value that is
missing on one of the two nights. A night has tens of columns in tens of slices, so one expression each would
take most of the time of an audit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

Told = tuple[str, str, str, float]
"""A reading: its name, column, slice and number."""
Matrix = NDArray[np.float64]

FEW = 3
"""Of fewer values in common nothing is read."""
SOME = 30
"""Fewer rows say nothing about an order or a slice."""
VARIED = 10
"""A column of fewer different values is one of few values, and a table of fewer keys one of few keys."""
COMPARED = 200
"""Of about so many keys each column is compared with each other one."""
CENTS = 1e-6
"""Values are equal if they differ by less than this share."""
NEARLY = 0.01
"""Factors are the same if they differ by less than this share: values are stored in rounded form."""
FLAT = 1e-12


@dataclass(frozen=True)
class Pairs:
    """The values of columns that are known on both nights; NaN: on one of them at most."""

    names: Sequence[str]
    now: Matrix
    then: Matrix

    @classmethod
    def known_twice(cls, names: Sequence[str], now: Matrix, then: Matrix) -> "Pairs":
        """now, then: a row a key, a column a name; NaN: missing on that night."""
        missing = np.isnan(now) | np.isnan(then)
        return cls(names, np.where(missing, np.nan, now), np.where(missing, np.nan, then))

    def of(self, rows: NDArray[np.bool_]) -> "Pairs":
        return Pairs(self.names, self.now[rows], self.then[rows])

    @cached_property
    def known(self) -> NDArray[np.int64]:
        return (~np.isnan(self.now)).sum(axis=0)

    @cached_property
    def values(self) -> NDArray[np.int64]:
        """The number of different values of each column now."""
        return distinct(self.now)

    @cached_property
    def changed(self) -> NDArray[np.bool_]:
        return np.abs(self.now - self.then) > CENTS * np.abs(self.then)

    @property
    def changed_share(self) -> Matrix:
        return self.changed.sum(axis=0) / np.maximum(self.known, 1)


def beside_former(pairs: Pairs, slices: Mapping[str, Sequence[str]]) -> Iterator[Told]:
    """How the values moved, whole and by slice. slices: name -> the value of each row.

    `changed`: the share of the keys whose value changed; `some_changed`: of so few keys that by chance all of
    them may change. `same_factor`, `same_offset`: the share that changed
    by the same factor, by the same amount. `step`: the middle change. `order`: the rank correlation of both
    nights. `pace`: the squared mean root of the changes, which single values hardly move. `few_changed`: of a
    column of few values the share of the keys whose value changed; a zero that becomes something is an event.
    `few_pace`: its pace. `nearer`: the share of the keys whose value is
    nearer to the former value of another column than to its own. `crossed`: how far the column and another
    one lie from their former values, as a multiple of how far each lies from those of the other one.
    """
    known, changed = pairs.known, pairs.changed
    share, varied = pairs.changed_share, pairs.values >= VARIED
    several = ~varied & (pairs.values > 1)
    pace = (np.sqrt(np.nan_to_num(np.abs(pairs.now - pairs.then))).sum(axis=0) / np.maximum(known, 1)) ** 2
    few_changed = (changed & (pairs.then != 0)).sum(axis=0) / np.maximum(known, 1)
    yield from _told("changed", pairs.names, share, varied & (known >= SOME))
    yield from _told("some_changed", pairs.names, share, varied & (known < SOME))
    yield from _told("step", pairs.names, middle(pairs.now - pairs.then), varied)
    yield from _told("pace", pairs.names, pace, varied & (known >= FEW))
    yield from _told("few_changed", pairs.names, few_changed, several & (known >= FEW))
    yield from _told("few_pace", pairs.names, pace, ~varied & (known >= FEW))
    nearer, crossed = _beside_others(pairs)
    yield from _told("nearer", pairs.names, nearer, known >= VARIED)
    yield from _told("crossed", pairs.names, crossed, known >= FEW)
    if (ranked_ones := varied & (known >= VARIED)).any():
        yield from _told("order", pairs.names, _order(pairs), ranked_ones)
    yield from _by_the_same(pairs, "")
    for name, values in slices.items():
        labels, of = np.unique(np.asarray(values, dtype=str), return_inverse=True)
        for place in np.flatnonzero(np.bincount(of) >= SOME):
            yield from _by_the_same(pairs.of(of == place), f"{name}={labels[place]}")


def leaps(pairs: Pairs) -> Iterator[Told]:
    """`leap`: the greatest change of a key, where they are few. pairs: of keys that many rows have."""
    known = pairs.known
    furthest = np.nan_to_num(np.abs(pairs.now - pairs.then)).max(axis=0, initial=0)
    yield from _told("leap", pairs.names, furthest, (known >= FEW) & (known < SOME))


def codes(pairs: Pairs) -> Iterator[Told]:
    """`code_changed`: the share of the keys whose code changed.

    A code has few values and many keys: a flag, a rating, a number of stops.
    """
    code = (pairs.values < VARIED) & (pairs.known >= SOME)
    yield from _told("code_changed", pairs.names, pairs.changed_share, code)


def _told(
    reading: str, names: Sequence[str], values: Matrix, there: NDArray[np.bool_], part: str = ""
) -> Iterator[Told]:
    for place in np.flatnonzero(there):
        yield reading, names[int(place)], part, float(values[place])


def _by_the_same(pairs: Pairs, part: str) -> Iterator[Told]:
    """The shares that changed by the same factor and by the same amount, of columns of many values."""
    now, then, known = pairs.now, pairs.then, np.maximum(pairs.known, 1)
    many = (pairs.known >= SOME) & (pairs.values >= VARIED)
    nonzero = (now != 0) & (then != 0)
    ratio = np.divide(now, then, out=np.full(now.shape, np.nan), where=nonzero)
    factor, step = middle(ratio), now - then
    offset = middle(step)
    same_factor = (np.abs(ratio - factor) < NEARLY * np.abs(factor)).sum(axis=0) / known
    same_offset = (np.abs(step - offset) <= CENTS * middle(np.abs(then))).sum(axis=0) / known
    moved = np.abs(factor - 1) > NEARLY
    yield from _told("same_factor", pairs.names, np.where(moved, same_factor, 0.0), many, part)
    yield from _told("same_offset", pairs.names, np.where(offset != 0, same_offset, 0.0), many, part)
    yield from _told("factor", pairs.names, factor, many, part)


def _order(pairs: Pairs) -> Matrix:
    ranks = [ranked(values) for values in (pairs.now, pairs.then)]
    one, other = (standard(values) for values in ranks)
    return (one * other).sum(axis=0)


def _beside_others(pairs: Pairs) -> tuple[Matrix, Matrix]:
    """`nearer` and `crossed` of each column."""
    now, then = (sampled(values) for values in (pairs.now, pairs.then))
    own, known = np.abs(now - then), np.maximum((~np.isnan(now)).sum(axis=0), 1)
    shares, away = np.zeros((2, len(pairs.names), len(pairs.names)))
    for place in range(len(pairs.names)):
        distance = np.abs(now - then[:, [place]])
        shares[place] = (distance < own).sum(axis=0) / known
        away[place] = np.nan_to_num(distance).sum(axis=0) / known
    straight, cross = np.add.outer(np.diag(away), np.diag(away)), away + away.T
    crossed = np.divide(straight, cross, out=np.ones(cross.shape), where=cross > FLAT)
    return shares.max(axis=0), crossed.max(axis=0)


def sampled(values: Matrix) -> Matrix:
    return values[:: max(1, len(values) // COMPARED)]


def of_table(pairs: Pairs, table: str, features: Sequence[str]) -> Iterator[Told]:
    """The share of all values of a table that changed. It also tells of a table of few keys."""
    of = np.array([name in features for name in pairs.names])
    known = int(pairs.known[of].sum())
    if len(pairs.now) >= FEW and known >= VARIED:
        yield "table_changed", table, "", float(pairs.changed[:, of].sum() / known)


def matrix(rows: pl.DataFrame, names: Sequence[str]) -> Matrix:
    """The numbers of some columns, a row each. NaN: missing, or not finite."""
    values = np.empty((rows.height, len(names)), order="F")
    for place, name in enumerate(names):  # a query of Polars would take three times as long for few rows
        values[:, place] = rows[name].cast(pl.Float64).to_numpy()
    values[~np.isfinite(values)] = np.nan
    return values


def ranked(values: Matrix) -> Matrix:
    """The rank of each value in its column, of equal ones their mean; NaN keeps its place.

    Polars takes ten times as long for few rows.
    """
    order = np.argsort(values, axis=0)  # NaN comes last
    ordered = np.take_along_axis(values, order, axis=0)
    places = np.arange(1, len(values) + 1)[:, None]
    other, edge = ordered[1:] != ordered[:-1], np.full((1, values.shape[1]), fill_value=True)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, other]), places, 0))
    last = np.where(np.concatenate([other, edge]), places, len(values))
    last = np.minimum.accumulate(last[::-1])[::-1]
    ranks = np.empty(values.shape, order="F")
    np.put_along_axis(ranks, order, (first + last) / 2, axis=0)
    ranks[np.isnan(values)] = np.nan
    return ranks


def standard(values: Matrix) -> Matrix:
    """Each column less its mean, of length 1. NaN becomes 0, which adds to no correlation."""
    known = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    centred = np.nan_to_num(values - np.nansum(values, axis=0) / known)
    return centred / np.maximum(np.sqrt((centred**2).sum(axis=0)), FLAT)


def standardised(frames: Sequence[Matrix], by: Matrix, widest: float) -> list[Matrix]:
    """The columns of each frame in standard deviations of `by` from its mean, and not further than `widest`.

    NaN is at the mean. Columns of which `by` has less than two values, or no spread but that of rounding, are
    left out.
    """
    scales = {place: scale for place in range(by.shape[1]) if (scale := _scale(by[:, place])) is not None}
    scaled = [np.empty((len(each), len(scales)), order="F") for each in frames]
    # A column at a time stays in the processor's cache. Arrays of all columns take up to twice as long.
    for target, (place, (mean, spread)) in enumerate(scales.items()):
        for each, found in zip(frames, scaled, strict=True):
            column = np.clip((each[:, place] - mean) / spread, -widest, widest)
            found[:, target] = np.where(np.isnan(column), 0.0, column)
    return scaled


def _scale(column: Matrix) -> tuple[float, float] | None:
    """The mean and the standard deviation of the numbers of a column. None: too few, or all alike."""
    there = ~np.isnan(column)
    count = np.count_nonzero(there)
    if count < 2:
        return None
    known = np.where(there, column, 0.0)
    mean = known.sum() / count
    spread = np.sqrt((np.where(there, column - mean, 0.0) ** 2).sum() / (count - 1))
    return (mean, spread) if spread > FLAT * np.abs(known).max() else None


def middle(values: Matrix) -> Matrix:
    """The median of each column without its NaN; NaN for a column without a value."""
    if not len(values):
        return values.sum(axis=0) * np.nan
    ordered = np.sort(values, axis=0)  # NaN comes last
    known = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    every = list(range(values.shape[1]))
    return (ordered[(known - 1) // 2, every] + ordered[known // 2, every]) / 2


def distinct(values: Matrix | NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of different values of each column, or of one. np.unique takes three times as long."""
    ordered = np.sort(values, axis=0)
    return (ordered[1:] > ordered[:-1]).sum(axis=0) + (~np.isnan(values)).any(axis=0)
