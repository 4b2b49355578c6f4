"""Readings of what was delivered for the features: the newest day of a dataset, beside the days before it.

A night sees few values of a feed: of the weather, one hour at three airports. The file has every hour. So
units, exchanged columns, and a gauge that is stuck are found in the file, where a night cannot tell them from
other weather.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations, pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison import columns
from nightjar.core.inputs import again, former, gauges, relations, series
from nightjar.core.inputs.by_key import keyed
from nightjar.core.inputs.by_others import by_others
from nightjar.core.inputs.former import SOME, VARIED, Matrix, Told, matrix
from nightjar.core.inputs.gauges import MOSTLY, has_range
from nightjar.core.inputs.lines import line
from nightjar.core.inputs.readings import COUNTED, ENTITY, MOST_ROWS, READING, together
from nightjar.core.inputs.shapes import of_values
from nightjar.core.model.spec import RawDataset

PLACE = "place of its day"
DAYS = 14
"""So many days before are looked at row by row, of a day of at most MOST_ROWS rows. Of larger ones, one."""
LEAST_DAYS = 5
"""Fewer days before do not say which values a column has."""
NEXT = timedelta(hours=36)
"""A day that begins so long after another one is the next one."""
MOST_VALUES = 100
"""A column of texts with more values names things, and its rows are not counted by value."""
ALIKE = 2.0
"""Two columns are measured alike if neither is usually more than so many times the other."""
FEW_EQUAL = 5
"""In so many rows, such as those with a gust, two columns are not the same by chance."""
Parts = Mapping[str, NDArray[np.bool_]]
"""A part of a day -> its rows."""
UNEVEN = frozenset({"negative_share", "order", "same_factor", "same_offset", "factor", "crossed"})
"""Readings of entities that say nothing of feeds: from day to day the weather moves as a whole."""


def of_delivery(dataset: RawDataset, newest: pl.DataFrame, earlier: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the readings of a day of a dataset, of the columns READING.

    newest: its rows, at least one. earlier: the rows of the days before, newest first. A column is named with
    its dataset, as `weather.temp`. Of more than MOST_ROWS rows those of the same keys are read every day.
    """
    days = _with_entities(dataset, [newest, *earlier])
    rows, *past = (day.bottom_k(MOST_ROWS, by=pl.col(ENTITY).hash()) for day in days)
    names = [name for name, dtype in dataset.columns.items() if dtype.is_numeric()]
    told = [*_counted(dataset, newest)]
    if names:
        parts = _by_key(dataset, rows)
        told += [
            *of_values(rows, names),
            *again.marks(rows, [ENTITY], names),
            *together(rows, names),
            *_of_columns(rows, names, parts),
            *(("alike", column, part, share) for _, column, part, share in relations.twins(rows, names)),
            *_beside_last(rows, past, names),
            *(_beside_week(rows, past, names, parts) if len(past) >= LEAST_DAYS else ()),
            *(_in_series(dataset, rows, past, names, parts) if newest.height <= MOST_ROWS else ()),
        ]
    named = [
        (name, _of(dataset, column), part, value) for name, column, part, value in told if name not in UNEVEN
    ]
    return pl.DataFrame(named, schema=READING, orient="row").filter(pl.col("value").is_finite())


def _of(dataset: RawDataset, column: str) -> str:
    return f"{dataset.name}.{column}" if column else dataset.name


def _with_entities(dataset: RawDataset, days: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """One row a key of each day. `entity`: the key without its day, so that it is met again on other days.

    All days are one frame meanwhile: a query for each of them would take several times as long.
    """
    parts = [_without_day(name, dataset.columns[name]) for name in dataset.keys]
    texts = [part for part in parts if part is not None] or [pl.lit("")]
    numbers = [columns.as_numbers(name) for name, dtype in dataset.columns.items() if dtype.is_numeric()]
    place = pl.Series(PLACE, np.repeat(np.arange(len(days)), [day.height for day in days]))
    once = (
        pl.concat(days, how="diagonal_relaxed")  # the dataset may have changed its columns between them
        .with_columns(pl.concat_str(texts, separator=" ", ignore_nulls=True).alias(ENTITY), *numbers, place)
        .unique([PLACE, ENTITY], keep="first", maintain_order=True)
    )
    ends = np.bincount(once[PLACE], minlength=len(days)).cumsum().tolist()
    rows = once.drop(PLACE)
    return [rows[first:end] for first, end in pairwise((0, *ends))]


def _without_day(name: str, dtype: pl.DataType) -> pl.Expr | None:
    if dtype == pl.Date:
        return None
    return pl.col(name).dt.time().cast(pl.String) if dtype == pl.Datetime else pl.col(name).cast(pl.String)


def _counted(dataset: RawDataset, rows: pl.DataFrame) -> Iterator[Told]:
    """Rows of the day, whole and by value of each column of texts."""
    yield COUNTED, "", "", float(rows.height)
    for name in _texts(dataset, rows):
        for value, count in rows[name].drop_nulls().value_counts().iter_rows():
            yield COUNTED, "", f"{dataset.name} {_part(name, value)}", float(count)


def _texts(dataset: RawDataset, rows: pl.DataFrame) -> list[str]:
    texts = (name for name, dtype in dataset.columns.items() if dtype == pl.String)
    return [name for name in texts if rows[name].n_unique() <= MOST_VALUES]


def _part(name: str, value: str) -> str:
    return f"{name}={value}"


def _of_columns(rows: pl.DataFrame, names: Sequence[str], parts: Parts) -> Iterator[Told]:
    """`various`: different values as a share of the values. `empty`: the share of rows without one, whole
    and by key. `least_size`: the least size of a value but 0.
    """
    for name, values in zip(names, matrix(rows, names).T, strict=True):
        known = values[~np.isnan(values)]
        yield "empty", name, "", 1 - known.size / values.size
        yield from (("empty", name, part, float(np.isnan(values[of]).mean())) for part, of in parts.items())
        if known.size:
            yield "various", name, "", np.unique(known).size / known.size
        if (sizes := np.abs(known[known != 0])).size:
            yield "least_size", name, "", float(sizes.min())


def _beside_last(rows: pl.DataFrame, past: Sequence[pl.DataFrame], names: Sequence[str]) -> Iterator[Told]:
    """How the values of each key moved since the day before."""
    if not past:
        return
    yield from relations.on_grid(rows, past[:1], names)
    by = keyed(rows, [ENTITY], past[0])
    yield from relations.of_pairs(by, names)
    if by.again.size:
        pairs = by.pairs(names)
        yield from former.beside_former(pairs, {})
        yield from former.of_table(pairs, "", names)


def _beside_week(
    rows: pl.DataFrame, past: Sequence[pl.DataFrame], names: Sequence[str], of_keys: Parts
) -> Iterator[Told]:
    """What the values of a column usually are.

    `familiar`: the share of the values that a day before had too, whole and by key: a gauge has steps. 0
    counts where most values are the same, as with rain.
    `beyond`: how far a value lies outside the range of the days before, as a multiple of its width.
    `by_others`: how far the values lie from what the other columns let expect, whole and by key.
    `decimals`, `other_decimals`, `off_steps`: what the steps of a gauge leave of its values.
    `not_below`: the share of the rows in which one column is not below another that is measured alike, as the
    temperature is not below the dew point. `equal`: in which both are the same.
    `rise`, `from_line`: how far the second one rises with the first one along the line of most rows, and the
    middle distance from it. `anew`: by how many rows, as a share of all, one value has more than on any of
    the days before; the value that has most.
    """
    now, then = matrix(rows, names), matrix(pl.concat(past), names)
    of_day = np.repeat(np.arange(len(past)), [day.height for day in past])
    parts = {"": np.full(rows.height, fill_value=True), **of_keys}
    ranges = [has_range(before) for before in then.T]
    for name, values, before, wide in zip(names, now.T, then.T, ranges, strict=True):
        usual, there = np.unique(before[~np.isnan(before)]), ~np.isnan(values)
        there &= (values != 0) | (not wide)
        familiar = np.isin(values, usual)
        for part, of_part in parts.items():
            if (asked := familiar[there & of_part]).size >= VARIED:
                yield "familiar", name, part, float(asked.mean())
        if wide and (~np.isnan(values)).mean() > MOSTLY:
            over = max(np.nanmax(values) - usual[-1], usual[0] - np.nanmin(values), 0.0)
            yield "beyond", name, "", float(over / (usual[-1] - usual[0]))
        if not np.isnan(values).all():
            yield "anew", name, "", _anew(values, before, of_day, usual) / rows.height
    ranged = [place for place, wide in enumerate(ranges) if wide]
    yield from gauges.decimals(now[:, ranged], then[:, ranged], [names[place] for place in ranged], parts)
    yield from gauges.off_steps(now, then, names)
    varied = [place for place in ranged if _mostly_known(then[:, place])]
    yield from by_others(now[:, varied], then[:, varied], [names[place] for place in varied], parts)
    for one, other in combinations(range(len(names)), 2):
        (first, second), before = (_of_both(values[:, one], values[:, other]) for values in (now, then))
        enough = first.size >= FEW_EQUAL and len(before.T) >= VARIED
        if enough and _near(*np.abs(former.middle(before.T))):
            pair = f"{names[one]} and {names[other]}"
            yield "equal", pair, "", float((first == second).mean())
            if first.size >= VARIED:
                yield "not_below", pair, "", float((first >= second).mean())
            if first.size >= SOME:
                rise, middle, _ = line(first, second)
                yield "rise", pair, "", rise
                yield "from_line", pair, "", middle


def _anew(values: Matrix, past: Matrix, of_day: NDArray[np.intp], usual: Matrix) -> float:
    """The most rows that a value has beyond those of any day before. usual: the values of the days before."""
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if not usual.size:
        return float(counts.max())
    known = ~np.isnan(past)
    tallied = np.zeros((1 + int(of_day.max(initial=0)), usual.size), dtype=np.intp)
    np.add.at(tallied, (of_day[known], np.searchsorted(usual, past[known])), 1)
    places = np.minimum(np.searchsorted(usual, found), usual.size - 1)
    before = np.where(usual[places] == found, tallied.max(axis=0)[places], 0)
    return max(0.0, float((counts - before).max()))


def _by_key(dataset: RawDataset, rows: pl.DataFrame) -> Parts:
    """The rows of each value of a key that is a text."""
    of_keys = {name: columns.numbered(rows[name]) for name in _texts(dataset, rows) if name in dataset.keys}
    return {
        _part(name, value): of == place
        for name, (known, of) in of_keys.items()
        for value, place in sorted(zip(known, range(len(known)), strict=True))
    }


def _of_both(one: Matrix, other: Matrix) -> Matrix:
    """The values of two columns, a row each, where both are known."""
    known = ~np.isnan(one + other)
    return np.array([one[known], other[known]])


def _mostly_known(values: Matrix) -> bool:
    return bool((~np.isnan(values)).mean() > MOSTLY)


def _near(one: float, other: float) -> bool:
    least, most = sorted((one, other))
    return 0 < most <= ALIKE * least


def _in_series(
    dataset: RawDataset,
    rows: pl.DataFrame,
    past: Sequence[pl.DataFrame],
    names: Sequence[str],
    parts: Parts,
) -> Iterator[Told]:
    """How a value follows the one before it, where an instant is part of the key.

    `stuck`: the share of the values that are equal to the one before, whole and by key. `smooth`: the rank
    correlation of both. `longest`: the most rows in turn in which no value changes.
    """
    instants = [name for name in dataset.keys if dataset.columns[name] == pl.Datetime]
    if not instants:
        return
    of = [name for name in dataset.keys if name not in instants]
    yield from _of_days(rows, past, of, instants, names)
    order = rows.select(pl.arg_sort_by(*of, *instants)).to_series().to_numpy()
    keys = rows.select(pl.struct(of or [pl.lit(0)]).rank("dense")).to_numpy()
    follows, values = _equal_to_before(keys[order]), matrix(rows, names)[order]
    parts = {part: of_part[order] for part, of_part in parts.items()}
    if follows.any():
        still = follows & _equal_to_before(np.nan_to_num(values, nan=np.inf))
        yield "longest", "", "", 1.0 + series.longest(still)
    known = follows[:, None] & ~np.isnan(values[1:]) & ~np.isnan(values[:-1])
    for place in map(int, np.flatnonzero(known.sum(axis=0) >= SOME)):
        now, then = values[1:, place][known[:, place]], values[:-1, place][known[:, place]]
        yield "stuck", names[place], "", float((now == then).mean())
        yield from (
            ("stuck", names[place], part, float((now == then)[within].mean()))
            for part, of_part in parts.items()
            if (within := (of_part[1:] & of_part[:-1])[known[:, place]]).sum() >= VARIED
        )
        one, other = (former.standard(former.ranked(each[:, None])) for each in (now, then))
        if min(np.unique(now).size, np.unique(then).size) > 1:
            yield "smooth", names[place], "", float((one * other).sum())


def _of_days(
    rows: pl.DataFrame,
    past: Sequence[pl.DataFrame],
    keys: Sequence[str],
    instants: Sequence[str],
    names: Sequence[str],
) -> Iterator[Told]:
    """How a day goes on from the days before, and where it begins, if it is right after the first of them."""
    if len(past) < LEAST_DAYS or _begin(rows, instants) - _begin(past[0], instants) > NEXT:
        return
    if (found := series.days_of([rows, *past], keys, instants, names)) is not None:
        labels, days = found
        length = gauges.around(days)
        yield from series.going_on(days, names, length)
        yield from series.rotated(days, labels, length)
        yield from series.among_keys(days, labels, names, length)
        yield from gauges.between(days, labels, names)


def _begin(rows: pl.DataFrame, instants: Sequence[str]) -> datetime:
    return rows.select(pl.min_horizontal(instants).min()).item()


def _equal_to_before(values: Matrix) -> NDArray[np.bool_]:
    """For each row but the first: is it the same as the one before?"""
    return (values[1:] == values[:-1]).all(axis=1)
