"""How far a column moved: the distance of each night from its comparable nights, by several measures.

A night is compared with the last nights of its own weekday and with the last nights of any weekday
(nightjar/core/comparison/comparable.py). The smaller distance counts: a column of the calendar is as on the
same weekday, a rate that moves slowly is as on the nights just before. The distances of past nights are
measured in the same way, from the nights before them. So they show what an ordinary night reaches, its trend
included. No night is compared with a night in a holiday period.

Numbers are compared by their quantiles: the mean absolute difference between the sorted values of two nights
(the Wasserstein distance in one dimension), in units of the column's usual spread. A column of at most two
values is compared by its mean. Categories are compared by their shares (total variation).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from nightjar.core.comparison.comparable import comparables
from nightjar.core.comparison.entities import ColumnProfile
from nightjar.core.model.holidays import IsHoliday, never

Matrix = NDArray[np.float64]
Column = Sequence[ColumnProfile | None]
"""A column's profiles, a night each, oldest first. None: the night has no profile of it."""

LEVEL, JUMP, SPREAD, MIX, UNSEEN, MISSING = "level", "jump", "spread", "mix", "unseen", "missing"
LEAST: Mapping[str, float] = {LEVEL: 0.1, JUMP: 0.1, SPREAD: 0.1, MIX: 0.05, UNSEEN: 0.01, MISSING: 0.02}
"""A smaller distance is never drift, however rare it is: nobody would act on it.

Level and jump are in units of the usual spread, spread is a logarithm, the others are shares of the rows.
"""
RESOLUTION: Mapping[str, float] = {MIX: 0.01, UNSEEN: 0.001, MISSING: 0.002}
"""Shares are not told apart more finely than this."""
LEAST_NIGHTS = 3
"""With fewer comparable nights of a sort, a night is not compared with that sort."""
WEEK, FOUR_WEEKS = 7, 28
"""In nights."""
THIN = 0.02
"""A spread this small, as a share of the usual one, counts as none."""
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Movement:
    """One measure of one column.

    distances: of each night, oldest first; NaN where it cannot be measured. noise: how much the rows of the
    last night alone may add.
    """

    distances: Matrix
    noise: float


@dataclass(frozen=True, slots=True)
class Moved:
    """A column over the nights: its movements by measure, and how far it moved within four weeks.

    in_four_weeks: the distance between the last week and the week four weeks before it, tonight left out.
    None: too few nights.
    """

    by: Mapping[str, Movement]
    in_four_weeks: float | None = None


@dataclass(frozen=True, slots=True)
class References:
    """For each night, which other nights it is compared with: 1 where it is, else 0.

    holiday: for each night, whether it is in a holiday period.
    """

    alike: Matrix
    near: Matrix
    last: Matrix
    holiday: NDArray[np.bool_]


def references(nights: Sequence[date], is_holiday: IsHoliday = never) -> References:
    """Find the comparable nights of each night. nights: oldest first."""
    found = [comparables(night, nights[:place], is_holiday=is_holiday) for place, night in enumerate(nights)]
    return References(
        _chosen(nights, [each.alike for each in found]),
        _chosen(nights, [each.near for each in found]),
        _chosen(nights, [each.near[:1] for each in found]),
        np.array([each.holiday for each in found]),
    )


def _chosen(nights: Sequence[date], days: Sequence[Sequence[date]]) -> Matrix:
    place = {night: number for number, night in enumerate(nights)}
    chosen = np.zeros((len(nights), len(nights)))
    for row, compared in enumerate(days):
        chosen[row, [place[day] for day in compared]] = 1.0
    return chosen


def moved(columns: Mapping[str, Column], against: References) -> Mapping[str, Moved]:
    """Measure columns over the nights. The last night must have a profile of each of them."""
    if not columns:
        return {}
    numbers = {name: column for name, column in columns.items() if _any(column, "quantiles")}
    found = dict(_of_numbers(numbers, against))
    for name in columns.keys() - numbers.keys():
        if _any(columns[name], "categories"):
            found[name] = _of_categories(columns[name], against)
    missing = _nearest(np.stack([_null_shares(column) for column in columns.values()]), against)
    measured = ((name, found.get(name, Moved({})), away) for name, away in zip(columns, missing, strict=True))
    return {
        name: replace(one, by={MISSING: Movement(away, RESOLUTION[MISSING]), **one.by})
        for name, one, away in measured
    }


def _any(column: Column, of: str) -> bool:
    return any(getattr(each, of) for each in column if each is not None)


def _of_numbers(columns: Mapping[str, Column], against: References) -> Iterator[tuple[str, Moved]]:
    """Columns with tables of one width are measured at once: each is so small that calls take the time."""
    tables = {name: _numbers(column) for name, column in columns.items()}
    for width in {table.shape[1] for table in tables.values()}:
        names = [name for name, table in tables.items() if table.shape[1] == width]
        scaled = _scaled(np.stack([tables[name] for name in names]))
        found = {
            LEVEL: _nearest(scaled, against),
            JUMP: _apart(scaled, _mean(scaled, against.last, 1)),
        }
        if width > 1:
            spread = np.abs(scaled - scaled.mean(axis=-1, keepdims=True)).mean(axis=-1, keepdims=True)
            found[SPREAD] = _nearest(np.log(spread + THIN), against)
        for place, name in enumerate(names):
            noise = _root(columns[name])
            by = {measure: Movement(distances[place], noise) for measure, distances in found.items()}
            yield name, Moved(by, _in_four_weeks(scaled[place], 1.0))


def _scaled(values: Matrix) -> Matrix:
    """The values of each column, (columns, nights, width), in units of its usual spread."""
    of_column = values.reshape(len(values), -1)
    apart = np.abs(of_column - np.nanmedian(of_column, axis=1, keepdims=True))
    scale = np.maximum(
        np.nanmean(apart, axis=1), np.maximum(TINY * np.nanmax(np.abs(of_column), axis=1), TINY)
    )
    return values / scale[:, np.newaxis, np.newaxis]


def _of_categories(column: Column, against: References) -> Moved:
    names = sorted({name for each in column if each is not None for name in each.categories})
    shares = _table([None if each is None or not each.values else _shares(each, names) for each in column])
    rest = np.clip(1 - shares.sum(axis=1, keepdims=True), 0, 1)
    every, noise = np.hstack([shares, rest]), _root(column)
    half = len(names) / 2 + 0.5  # `_apart` is a mean over the columns; total variation is half their sum
    found = {
        MIX: Movement(
            half * _nearest(every, against) + _thinner(column, shares), max(RESOLUTION[MIX], noise / 2)
        ),
        JUMP: Movement(half * _apart(every, _mean(every, against.last, 1)) + _thinner(column, shares), noise),
        UNSEEN: Movement(_unseen(shares, against), RESOLUTION[UNSEEN]),
    }
    return Moved(found, _in_four_weeks(every, half))


def _shares(profile: ColumnProfile, names: Sequence[str]) -> list[float]:
    return [profile.categories.get(name, 0) / profile.values for name in names]


def _unseen(shares: Matrix, against: References) -> Matrix:
    """The share of each night's values in categories that none of its comparable nights has."""
    known = _mean(shares, np.maximum(against.alike, against.near), LEAST_NIGHTS)
    return np.where(known > 0, 0.0, shares).sum(axis=1) + 0 * known.sum(axis=1)


def _thinner(column: Column, shares: Matrix) -> Matrix:
    """What fewer rows add to the total variation of the last night (0 for the others), as a negative number.

    A multinomial sample of n rows is on average the sum of sqrt(p / (2 pi n)) away from its shares p.
    """
    rows = np.array([np.nan if each is None else max(each.values, 1) for each in column])
    apart = np.sqrt(np.nanmean(shares, axis=0) / (2 * np.pi)).sum()
    more = apart * (rows[-1] ** -0.5 - np.nanmedian(rows) ** -0.5)
    return np.append(np.zeros(len(column) - 1), -max(0.0, float(more)))


def _numbers(column: Column) -> Matrix:
    """The quantiles of each night without the ends, or the mean of a column of at most two values."""
    two = max(each.distinct for each in column if each is not None) <= 2
    if two:
        return _table([None if each is None or each.mean is None else [each.mean] for each in column])
    return _table([None if each is None or not each.quantiles else each.quantiles[1:-1] for each in column])


def _null_shares(column: Column) -> Matrix:
    return _table([None if each is None else [each.null_share] for each in column])


def _table(rows: Sequence[Sequence[float] | None]) -> Matrix:
    width = next(len(row) for row in rows if row is not None)
    return np.array([[np.nan] * width if row is None else row for row in rows], np.float64)


def _root(column: Column) -> float:
    last = column[-1]
    return max(1, 0 if last is None else last.values) ** -0.5


def _nearest(values: Matrix, against: References) -> Matrix:
    """The distance of each night from the mean of its comparable nights: the smaller one of the two sorts.

    values: (..., nights, width), as below. The distances are (..., nights).
    """
    alike, near = (
        _apart(values, _mean(values, chosen, LEAST_NIGHTS)) for chosen in (against.alike, against.near)
    )
    return np.fmin(alike, near)


def _apart(values: Matrix, others: Matrix) -> Matrix:
    return np.abs(values - others).mean(axis=-1)


def _mean(values: Matrix, chosen: Matrix, least: int) -> Matrix:
    """The mean of the chosen nights that have values, for each night; NaN for fewer than `least`."""
    there: NDArray[np.bool_] = np.asarray(~np.isnan(values).any(axis=-1))
    weights = chosen * there[..., np.newaxis, :]
    count = weights.sum(axis=-1, keepdims=True)
    means = weights @ np.nan_to_num(values) / np.maximum(count, 1)
    return np.where(count >= least, means, np.nan)


def _in_four_weeks(values: Matrix, factor: float) -> float | None:
    before = values[:-1]
    if len(before) < FOUR_WEEKS + WEEK:
        return None
    now, then = before[-WEEK:], before[-FOUR_WEEKS - WEEK : -FOUR_WEEKS]
    if np.isnan(now).any(axis=1).all() or np.isnan(then).any(axis=1).all():
        return None
    return factor * float(np.abs(np.nanmean(now, axis=0) - np.nanmean(then, axis=0)).mean())
