"""The days of a feed whose keys have a value at each instant, as gauges have: do they go on as themselves?

A fault that keeps each value of a day breaks its relation to the day before: all values five degrees higher,
another unit, a file that is hours late, two gauges under each other's name.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.inputs.former import FEW, Matrix, Told, matrix, middle

Days = NDArray[np.float64]
"""The value of each day, key, instant of the day, and column; NaN: missing. The newest day comes first."""

MOST_KEYS = 10
"""Of more keys it is not asked which of them are exchanged."""
DENSE = 0.5
"""At least this share of the keys and instants must have a row, or else there is no series."""
LEAST_DAYS = 5
"""On fewer days the distance of a key from the others does not say how far it moves."""
TURNS = 0.5
"""A wind may turn so far, in half turns, on any night."""
LATEST = 12
"""So many instants a file may be late and still be known by the values that it repeats."""
LEAST_VALUES = 8
"""Fewer values may be the same by chance."""
SHARES, BEGIN = 4, 3
"""Keys are known by each quarter of the day, and by so many of its first instants."""
FLAT = 1e-9
TO_SD = 1.4826
"""The standard deviation, as a multiple of the middle distance."""


def days_of(
    days: Sequence[pl.DataFrame], keys: Sequence[str], instants: Sequence[str], names: Sequence[str]
) -> tuple[Sequence[str], Days] | None:
    """Return the keys and the days as arrays. None if most keys have no row at most instants.

    days: a row a key and instant, newest first. keys: the columns of the key but the instants.
    """
    every = pl.concat(days)
    texts = every.select(
        of=pl.concat_str(*(pl.col(name).cast(pl.String) for name in keys), pl.lit(""), separator=" "),
        at=pl.concat_str(pl.col(name).dt.time().cast(pl.String) for name in instants),
    )
    of, at = (values.unique().sort() for values in texts)
    if every.height < DENSE * len(days) * len(of) * len(at):
        return None
    found = np.full((len(days), len(of), len(at), len(names)), np.nan)
    day = np.repeat(np.arange(len(days)), [day.height for day in days])
    places = (known.search_sorted(values).to_numpy() for known, values in zip((of, at), texts, strict=True))
    found[(day, *places)] = matrix(every, names)
    return [f"{' '.join(keys)}={key.strip()}" for key in of], found


def going_on(days: Days, names: Sequence[str], length: Matrix) -> Iterator[Told]:
    """How the values go on from one instant to the next, and from the day before.

    length: of each column that goes around, as `gauges.around` gives it.

    `jump`: the least distance of a first value of a key from its last one of the day before, as a multiple of
    the middle distance of two values in turn. `turned`: the mean distance, as a share of half a turn and at
    least TURNS, of a column that goes around. `one_way`: how many more values rise than fall, or fall than
    rise, in standard deviations of chance. `rough`: the mean distance of a value from the mean of those
    before and after it, as a multiple of the usual one. `late`: the greatest share of the values of the first
    instants that are the last ones of the day before. `same_day`: the greatest share of the values that are
    those of the same instant of a day before. Both of rows too: all values of a row must be the same.
    `whole`: the share of the keys and instants that have a row. `silent`: the most instants in turn at which
    a key has none. `seam`: how little the first values of all columns are to be expected after the last ones
    of the day before.
    """
    there = (~np.isnan(days[0])).any(axis=-1)
    yield "whole", "", "", float(there.mean())
    yield "silent", "", "", float(max(longest(~of_key) for of_key in there))
    yield "late", "", "", _late_rows(days)
    yield "same_day", "", "", max(float(_same_rows(days[0], before).mean()) for before in days[1:])
    away = np.abs(_less(days[0, :, 0], days[1, :, -1], length))
    usual = _usual(days, length)
    moving = usual > 0
    yield "seam", "", "", float(_unlikely(away[:, moving] ** 2, usual[moving] ** 2).mean())
    past, now = _rough(days[1:], length), _rough(days[:1], length)
    shifts = range(1, min(LATEST, days.shape[2] - 1) + 1)
    late = _most((_same(days[0, :, :by], days[1, :, -by:]) for by in shifts), len(names))
    same_day = _most((_same(days[0], before) for before in days[1:]), len(names))
    for place, name in enumerate(names):
        yield "one_way", name, "", _one_way(np.diff(days[0, ..., place]))
        if usual[place] > 0 and not np.isnan(away[:, place]).all():
            yield "jump", name, "", float(np.nanmin(away[:, place]) / usual[place])
        if np.isfinite(length[place]) and not np.isnan(away[:, place]).all():
            yield "turned", name, "", max(TURNS, float(2 * np.nanmean(away[:, place]) / length[place]))
        if past[place] > 0:
            yield "rough", name, "", float(now[place] / past[place])
        yield "late", name, "", late[place]
        yield "same_day", name, "", same_day[place]


def rotated(days: Days, keys: Sequence[str], length: Matrix) -> Iterator[Told]:
    """How much better the day goes on if it begins at another of its instants. length: as `going_on`.

    `rotated`: how much more all values are to be expected then, where the first ones follow the last ones, in
    logarithms of odds; whole, and by key. 0 if the day goes on best as it is.
    """
    usual = _usual(days, length)
    moving = usual > 0
    now, last = days[0][..., moving], days[1, :, -1:][..., moving]
    follows, begins = (
        _odds(_less(now, before, length[moving]) ** 2, usual[moving] ** 2)
        for before in (np.roll(now, 1, axis=1), last)
    )
    # NaN where one of the four is missing: a column says something only if it says all of it.
    of_columns = follows[:, 1:] - begins[:, 1:] + begins[:, :1] - follows[:, :1]
    gained = np.nansum(of_columns, axis=-1)
    yield "rotated", "", "", float(gained.mean(axis=0).max(initial=0.0))
    if 1 < len(keys) <= MOST_KEYS:
        most = gained.max(axis=1, initial=0.0)
        yield from (("rotated", "", key, float(each)) for key, each in zip(keys, most, strict=True))


def _mean(values: Days, axis: tuple[int, ...]) -> Days:
    """The mean without NaN; NaN of nothing."""
    known = (~np.isnan(values)).sum(axis=axis)
    return np.where(known, np.nansum(values, axis=axis) / np.maximum(known, 1), np.nan)


def _less(one: Days, other: Days, length: Matrix) -> Days:
    """How far one value lies beyond another one, on the shorter way where the column goes around."""
    away = one - other
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(length), away, away - length * np.round(away / length))


def _moved(days: Days, length: Matrix, apart: int = 1) -> Days:
    """How far each value moved in so many instants."""
    return _less(days[:, :, apart:], days[:, :, :-apart], length)


def _usual(days: Days, length: Matrix) -> Matrix:
    """The middle distance of two values in turn, of each column, on the days before."""
    return middle(np.abs(_moved(days[1:], length)).reshape(-1, days.shape[-1]))


def _steps(days: Days, length: Matrix, apart: int = 1) -> Days:
    """The mean distance of two values that are so many instants apart, of each column."""
    return _mean(np.abs(_moved(days, length, apart)), (0, 1, 2))


def _rough(days: Days, length: Matrix) -> Days:
    """The mean distance of a value from the mean of those before and after it, of each column."""
    return _mean(np.abs(np.diff(_moved(days, length), axis=2)) / 2, (0, 1, 2))


def _one_way(moved: Days) -> float:
    rises, falls = (moved > 0).sum(), (moved < 0).sum()
    return float(abs(rises - falls) / sqrt(max(rises + falls, 1)))


def longest(true: NDArray[np.bool_]) -> int:
    """The most true values in turn."""
    ends = np.flatnonzero(np.concatenate(([True], ~true, [True])))
    return int(np.diff(ends).max()) - 1


def _same(now: Days, then: Days) -> Matrix:
    """The share of the values known on both sides that are equal, of each column. NaN if they are few."""
    asked = tuple(range(now.ndim - 1))
    known, equal = (~np.isnan(now + then)).sum(axis=asked), (now == then).sum(axis=asked)
    return np.where(known >= LEAST_VALUES, equal / np.maximum(known, 1), np.nan)


def _most(shares: Iterable[Matrix], columns: int) -> Sequence[float]:
    """The greatest share of each of so many columns. NaN if there is none."""
    most: Sequence[float] = np.fmax.reduce([np.full(columns, np.nan), *shares]).tolist()
    return most


def _same_rows(now: Days, then: Days) -> NDArray[np.bool_]:
    """For each row: are all of its values the same? A row without a value says nothing."""
    there = ~np.isnan(now)
    return ((now == then) | ~there & np.isnan(then)).all(axis=-1) & there.any(axis=-1)


def _late_rows(days: Days) -> float:
    """Of all keys one instant says it, of one key two."""
    latest = min(LATEST, days.shape[2] - 1)
    same = [_same_rows(days[0, :, :by], days[1, :, -by:]) for by in range(1, latest + 1)]
    of_all = (float(each.mean()) for each in same if each.size >= FEW)
    of_one = (float(each.mean(axis=1).max()) for each in same[1:])
    return max((*of_all, *of_one), default=0.0)


def among_keys(days: Days, keys: Sequence[str], names: Sequence[str], length: Matrix) -> Iterator[Told]:
    """How the values of each key lie to those of the other keys at the same instant. length: as `going_on`.

    `beside_keys`: the mean distance from the mean of the others, as a multiple of that of the days before.
    `followed`: the share of the rows that are more like the former row of their own key than like that of
    another one. `same_key`: the greatest share of a column's values that two keys have in common at the same
    instant. `exchanged`: how much better the values fit the past if keys are exchanged, in logarithms of
    odds.
    """
    if not 1 < len(keys) <= MOST_KEYS:
        return
    beside = _less(days[:, :, None], days[:, None], length)
    away = np.abs(_beside_others(beside))
    usual, now = _mean(away[1:], (0, 2)), _mean(away[:1], (0, 2))
    for number, key in enumerate(keys):
        yield from (
            ("beside_keys", name, key, float(now[number, place] / usual[number, place]))
            for place, name in enumerate(names)
            if usual[number, place] > 0
        )
    follows = _less(days[0, :, None, 1:], days[0, None, :, :-1], length)
    unlike = _unlikely(follows**2, _steps(days[1:], length) ** 2)
    if unlike.size:
        yield "followed", "", "", float((unlike.argmin(axis=1) == np.arange(len(keys))[:, None]).mean())
    yield "exchanged", "", "", _exchanged(days, _mean(beside, (2,)), length)
    shares = (_same(days[0, one], days[0, other]) for one, other in combinations(range(len(keys)), 2))
    most = _most(shares, len(names))
    yield from (("same_key", name, "", share) for name, share in zip(names, most, strict=True))


def _beside_others(beside: Days) -> Days:
    """How far each value lies from the mean of the other keys. beside: from each key, itself too."""
    others = (~np.isnan(beside)).sum(axis=2) - 1  # a key lies 0 from itself
    return np.where(others > 0, np.nansum(beside, axis=2) / np.maximum(others, 1), np.nan)


def _exchanged(days: Days, beside: Days, length: Matrix) -> float:
    """How much better the keys fit the past if two are exchanged, or all moved by some places. 0: no better.

    A key is known by what it differs from the others in the course of a day, and by its last values of the
    day before. beside: how far each value lies from the mean of all keys.
    """
    keys = days.shape[1]
    apart = _apart(beside)
    width = apart.shape[-1]
    own = middle(apart[1:].reshape(len(days) - 1, -1)).reshape(keys, width)
    spread = middle(np.abs(apart[1:] - own).reshape(-1, width)) * TO_SD
    few = (~np.isnan(apart[1:])).sum(axis=0) < LEAST_DAYS  # gusts, in a week of calm
    apart[:, few | (spread <= 0)] = np.nan
    begins = range(min(BEGIN, days.shape[2] - 1))
    steps = [_steps(days[1:], length, by + 1) ** 2 for by in begins]

    def likeness(order: Sequence[int]) -> float:
        places = [*order]
        unlike = _unlikely((apart[0, places] - own) ** 2, spread**2).sum() / sqrt(SHARES)
        moved = (_less(days[0, places, by], days[1, :, -1], length) for by in begins)
        seams = (_unlikely(away**2, usual).sum() for away, usual in zip(moved, steps, strict=True))
        return -float(unlike + sum(seams) / sqrt(max(len(begins), 1)))

    orders = [_two(keys, a, b) for a, b in combinations(range(keys), 2)]
    orders += [(*range(by, keys), *range(by)) for by in range(1, keys)]
    return max(0.0, max(map(likeness, orders)) - likeness(range(keys)))


def _apart(beside: Days) -> Days:
    """How far each key lies from the mean of all keys, in each share of the day and each column."""
    shares = np.array_split(beside, SHARES, axis=2)
    return np.concatenate([_mean(each, (2,)) for each in shares], axis=-1)


def _two(keys: int, one: int, other: int) -> tuple[int, ...]:
    return tuple({one: other, other: one}.get(place, place) for place in range(keys))


def _unlikely(squares: Days, usual: Matrix) -> Days:
    """How little such distances of all columns are to be expected: a single great one says little.

    usual: their usual squares.
    """
    return np.nansum(_odds(squares, usual), axis=-1)


def _odds(squares: Days, usual: Matrix) -> Days:
    """The same of each column; NaN stays."""
    return np.log1p(squares / (usual + FLAT))
