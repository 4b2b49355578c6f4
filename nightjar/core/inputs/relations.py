"""Readings of how values belong together: to their former values, to their key, and to one another.

Many faults keep each column's distribution and break such a relation: a join that is off by a row, two
columns exchanged, features of another day, a sensor that is stuck, the values of one key under all of them.
A column of few different values (the weather of three airports) is read by these values alone.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison import columns
from nightjar.core.inputs.by_key import Keyed
from nightjar.core.inputs.former import FEW, SOME, VARIED, Matrix, Told, distinct, matrix, ranked, standard

PARTS = 20
"""A part of a number column has at least a share of the rows of one in so many."""
STEPS = 4
"""Parts begin so many times as often, so that one lies within what is missing wherever that begins."""

ENDS = (0.05, 0.95)
"""A gap lies between these quantiles. The level of a column moves what lies beyond."""
CHANCE = 2.1
"""Three standard deviations of the difference of two roots of counts."""
SELDOM = 1e-4
"""What chance does on fewer nights than this share is no chance."""
FINEST, COARSE = 1e-5, 20
"""Values are equal if they differ by less than this share of the greatest one.

A step is so many times as wide."""
OFF_GRID = 0.05
"""A value is on a grid if it is not further from it than this share of a step."""


def of_ranges(rows: pl.DataFrame, last: pl.DataFrame, names: Sequence[str]) -> Iterator[Told]:
    """How many rows lie in each part of a number column, beside the last night's: an hour may be missing.

    A part lies between two quantiles of last night; parts overlap. `emptiest`, `fullest`: the least and the
    greatest share of the rows in a part, as a multiple of last night's, as near to 1 as chance may bring it.
    `emptiest_end`: the same of what lies beyond most values of last night, at either end: a file may be cut
    off.
    """
    for name in names:
        now, then = (np.sort(_values(each, name)) for each in (rows, last))
        if not now.size or np.unique(then).size < VARIED:
            continue
        yield from _of_ends(name, now, then)
        parts = min(PARTS, then.size // SOME)
        if parts > 1:
            steps = parts * STEPS
            ends = np.quantile(then, np.arange(1, steps) / steps, method="lower")
            count, usual = (_between(values, ends) for values in (now, then))
            there = (usual >= then.size / parts / 2) & _inner(now, ends)
            if not there.any():
                continue
            root, expected = np.sqrt(count[there]), usual[there] * now.size / then.size
            least = np.minimum((root + CHANCE) ** 2 / expected, 1.0)
            most = np.maximum(np.maximum(root - CHANCE, 0.0) ** 2 / expected, 1.0)
            yield from (("emptiest", name, "", float(least.min())), ("fullest", name, "", float(most.max())))


def _of_ends(name: str, now: Matrix, then: Matrix) -> Iterator[Told]:
    share, _ = ENDS
    if then.size * share < SOME:
        return
    least, most = np.quantile(then, ENDS, method="lower")
    ends = (((now <= least).sum(), (then <= least).sum()), ((now > most).sum(), (then > most).sum()))
    expected = [
        (rows, usual * now.size / then.size) for rows, usual in ends if usual >= then.size * share / 2
    ]
    if expected:
        parts = (min((np.sqrt(rows) + CHANCE) ** 2 / usual, 1.0) for rows, usual in expected)
        yield "emptiest_end", name, "", float(min(parts))


def _values(rows: pl.DataFrame, name: str) -> Matrix:
    return rows[name].drop_nulls().cast(pl.Float64).to_numpy()


def _inner(values: Matrix, ends: Matrix) -> NDArray[np.bool_]:
    """The parts that lie between most values."""
    least, most = np.quantile(values, ENDS)
    return (ends[:-STEPS] >= least) & (ends[STEPS:] <= most)


def _between(ordered: Matrix, ends: Matrix) -> NDArray[np.intp]:
    """How many values each part has. It begins after its first end."""
    below = np.searchsorted(ordered, ends, side="right")
    return below[STEPS:] - below[:-STEPS]


def of_categories(by: Keyed, names: Sequence[str]) -> list[Told]:
    """The share of the keys whose category changed since the last night.

    A column with one category a night, such as the month, says nothing of its keys.
    """
    if by.again.size < SOME:
        return []
    pairs = {name: (_category(by.now, name), _category(by.then, name)) for name in names}
    return [
        ("category_changed", name, "", float(now.ne_missing(then).to_numpy().mean()))
        for name, (now, then) in pairs.items()
        if max(now.n_unique(), then.n_unique()) > 1
    ]


def _category(rows: pl.DataFrame, name: str) -> pl.Series:
    return columns.categories(rows[name])


def of_table(by: Keyed, table: str, names: Sequence[str], slices: Mapping[str, pl.Expr]) -> Iterator[Told]:
    """What holds for the keys of a feature table.

    names: those of its features that the rows have, and those of the night before if there is one. slices:
    name -> the value, of the key. `single_valued`: keys as a share of the different rows of features: 1, as a
    join gives them. `distinct`: different rows of features as a share of the keys; of many keys those count
    as different that may be alike by chance, as last night's values say. `absent`: keys without any feature.
    `still`: the share of the rows of whose key no feature changed since the last night, so that a key of a
    few rows says little; by slice the share of the keys, or by key where there are few.
    """
    every, then = _alike_numbers(by.rows, by.then, names=names)
    once = every[by.first]
    keys, single = len(once), _same(every, once[by.of]).all()
    yield "single_valued", table, "", 1.0 if single else keys / _different_rows(by.of, every)
    filled: NDArray[np.bool_] = np.isnan(once).sum(axis=1) < len(names)
    known = int(filled.sum())
    yield "absent", table, "", 1 - known / keys
    if known >= FEW:
        alike, few, last = known - _different_rows(once[filled]), known < SOME, by.before
        chance = 0 if few or not alike or last is None else _alike_by_chance(last.unique(by.key), names)
        yield "distinct", table, "", 1 - max(0, alike - chance) / known
    of_both: NDArray[np.bool_] = filled[by.again]
    if of_both.sum() >= FEW:
        places = by.again[of_both]
        still, heights = _same(once[places], then[of_both]), by.heights[places]
        yield "still", table, "", float(heights[still].sum() / heights.sum())
        yield from _still_in(by.once[places], heights, still, table, slices)


def _alike_numbers(*frames: pl.DataFrame, names: Sequence[str]) -> list[Matrix]:
    """Columns of some frames as numbers, a row each: the same for the same value. NaN: missing."""
    numbers = [np.empty((frame.height, len(names))) for frame in frames]
    for place, name in enumerate(names):
        texts = dict[Any, int]()
        for frame, values in zip(frames, numbers, strict=True):
            column = frame[name]
            values[:, place] = (
                matrix(frame, [name])[:, 0]
                if columns.holds_numbers(column.dtype)
                else [np.nan if each is None else texts.setdefault(each, len(texts)) for each in column]
            )
    return numbers


def _same(one: Matrix, other: Matrix) -> NDArray[np.bool_]:
    """The rows that have the same in all columns."""
    return ((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=1)


def _different_rows(*parts: Matrix | NDArray[np.intp]) -> int:
    return len({row.tobytes() for row in np.column_stack(parts) + 0.0})  # -0.0 is 0.0


def _alike_by_chance(rows: pl.DataFrame, names: Sequence[str]) -> int:
    """So many of many keys may have the features of another key by chance. rows: a row a key.

    Each column says how often two keys have the same value; one pair more, so that a night without any says
    little. If the columns know nothing of one another, the number of pairs that have all values in common has
    a Poisson distribution. A share of SELDOM of nights has more pairs.
    """
    from scipy.special import pdtr  # noqa: PLC0415  # on most nights no keys are alike

    pairs = rows.height * (rows.height - 1) / 2
    counts = (rows[name].value_counts()["count"].to_numpy() for name in names)
    shares = (((each * (each - 1.0)).sum() / 2 + 1) / (pairs + 1) for each in counts)
    expected = pairs * math.prod(map(float, shares))
    return int(np.searchsorted(pdtr(np.arange(rows.height), expected), 1 - SELDOM))


def _still_in(
    once: pl.DataFrame,
    heights: NDArray[np.intp],
    still: NDArray[np.bool_],
    table: str,
    slices: Mapping[str, pl.Expr],
) -> Iterator[Told]:
    """By slice. A slice of one key counts if many rows have it. once: a row a key."""
    for labels in once.select(value.alias(name) for name, value in slices.items()):
        found = dict[str, list[int]]()
        for place, label in enumerate(labels):
            found.setdefault(label, []).append(place)
        for label, of in found.items():
            if len(of) >= SOME or (len(of) == 1 and heights[of].sum() >= SOME):
                what = "few_still" if len(of) == 1 else "still"
                yield what, table, f"{labels.name}={label}", float(still[of].mean())


def of_pairs(by: Keyed, names: Sequence[str]) -> list[Told]:
    """`own`: how much more a column is like its own former values than like those of any other column.

    A difference of two rank correlations over the keys of both nights.
    """
    if by.again.size < SOME or len(names) < 2:
        return []
    both = [matrix(rows, names) for rows in (by.now, by.then)]
    different = np.min([distinct(values) + np.isnan(values).any(axis=0) for values in both], axis=0)
    varied = [place for place, values in enumerate(different) if values > VARIED]
    if len(varied) < 2:
        return []
    now, then = (standard(ranked(values[:, varied])) for values in both)
    related = now.T @ then
    own = np.diag(related).copy()
    np.fill_diagonal(related, -1)
    return [("own", names[place], "", float(own[n] - related[n].max())) for n, place in enumerate(varied)]


def lost(
    rows: pl.DataFrame,
    last: pl.DataFrame | None,
    key: str,
    slices: Mapping[str, pl.Expr],
    groups: Mapping[str, Sequence[str]],
) -> Iterator[Told]:
    """How many values of each group of columns a row lacks, by slice.

    Only values count that the entity had last night: a new entity has no past, so its features are missing.
    Where entities are new every night, all missing values count. slices: name -> the value of a row. groups:
    name -> its columns.
    """
    names = [name for group in groups.values() for name in group]
    kept = [] if last is None else [name for name in names if name in last.columns]
    both = rows if last is None else rows.join(_were_there(last, key, kept), on=key)
    known = set(kept) if both.height >= SOME else set[str]()
    gone = (both if known else rows).select(
        *(value.alias(f"in {name}") for name, value in slices.items()),
        *(
            pl.sum_horizontal(_gone(name, name in known) for name in group).alias(of)
            for of, group in groups.items()
        ),
    )
    means = pl.collect_all(
        gone.lazy()
        .group_by(f"in {name}")
        .agg(pl.len().alias("rows of it"), *(pl.col(of).mean() for of in groups))
        for name in slices
    )
    for name, found in zip(slices, means, strict=True):
        for value, height, *numbers in found.iter_rows():
            if height >= SOME:
                yield from (("lost", of, f"{name}={value}", n) for of, n in zip(groups, numbers, strict=True))


def _were_there(last: pl.DataFrame, key: str, names: Sequence[str]) -> pl.DataFrame:
    return last.unique(key).select(key, *(pl.col(name).is_not_null().alias(_then(name)) for name in names))


def _then(name: str) -> str:
    return f"{name} then"


def _gone(name: str, known: bool) -> pl.Expr:
    missing = pl.col(name).is_null()
    return missing & pl.col(_then(name)) if known else missing


def twins(rows: pl.DataFrame, names: Sequence[str]) -> list[Told]:
    """The share of the rows of which another row has the same values in all of these columns."""
    return [("twins", "", "", float(rows.select(names).is_duplicated().to_numpy().mean()))] if names else []


def on_grid(rows: pl.DataFrame, earlier: Sequence[pl.DataFrame], names: Sequence[str]) -> Iterator[Told]:
    """The share of the values of a column of few values that lie on the steps of its earlier values.

    A gauge has a unit: all of its values lie on a grid. In other units, rounded, or those of another gauge,
    they do not. A night from before the column was an input says nothing of it.
    """
    now_of = matrix(rows, names)
    few = [name for name, values in zip(names, distinct(now_of), strict=True) if 0 < values < VARIED]
    for name in few:
        now = _different(now_of[:, names.index(name)])
        there = [matrix(night, [name]).ravel() for night in earlier if name in night.columns]
        past = _different(np.concatenate(there)) if there else now[:0]
        if past.size >= VARIED and (step := _step(past)) is not None:
            away: Matrix = (now - past[0]) / step
            yield "on_grid", name, "", float((np.abs(away - np.round(away)) < OFF_GRID).mean())


def _different(values: Matrix) -> Matrix:
    """The different values in order, without the missing ones."""
    return np.unique(values[~np.isnan(values)])


def _step(values: Matrix) -> float | None:
    """The greatest step of which all distances of ordered values are multiples; None if they have none."""
    blur = FINEST * np.abs(values).max()
    step = 0.0
    for gap in np.diff(values):
        rest = float(gap)
        while rest > blur:
            left = step % rest
            step, rest = rest, left if rest - left > blur else 0.0
    return step if step > COARSE * blur else None
