"""Readings of how values belong together: to their former values, to their key, and to one another.

Many faults keep each column's distribution and break such a relation: a join that is off by a row, two columns
exchanged, features of another day, one sensor that is stuck, values of one airport under all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison import columns

Matrix = NDArray[np.float64]
Told = tuple[str, str, str, float]
"""A reading: its name, column, slice and number."""

FEW = 3
"""Of fewer values in common nothing is read."""
SOME = 30
"""Fewer rows say nothing about an order or a slice."""
VARIED = 10
"""A column with fewer different values has no order."""
EXACT = 1e-9
"""Two values are the same if they differ by less than this share."""
DECIMALS = 2
"""Values of a sensor or of money have at most so many decimals. Quotients have more."""


def of_columns(rows: pl.DataFrame, last: pl.DataFrame, key: Sequence[str], names: Sequence[str]) -> list[Told]:
    """How far the values of number columns moved since the last night, and whether they ever do.

    rows, last: a row a key. `pace`: how far a value moves (the squared mean root, which single values hardly
    move). `kept_order`: the rank correlation with last night.
    """
    both = _met(rows, last, key, names)
    if both.height < FEW:
        return []
    now, before = _matrix(both, names), _matrix(both, [f"{name} before" for name in names])
    moved = np.abs(now - before)
    known = (~np.isnan(moved)).sum(axis=0)
    pace = (np.sqrt(np.nan_to_num(moved)).sum(axis=0) / np.maximum(known, 1)) ** 2
    return [("pace", name, "", float(pace[n])) for n, name in enumerate(names) if known[n] >= FEW]


def of_categories(
    rows: pl.DataFrame, last: pl.DataFrame, key: Sequence[str], names: Sequence[str]
) -> list[Told]:
    """The share of the keys whose category changed since the last night."""
    both = _met(rows, last, key, names)
    if both.height < FEW:
        return []
    return [
        ("changed", name, "", float(_categories(both, name).ne_missing(_categories(both, f"{name} before")).mean()))
        for name in names
    ]


def _categories(rows: pl.DataFrame, name: str) -> pl.Series:
    return columns.categories(rows[name])


def of_tables(rows: pl.DataFrame, last: pl.DataFrame, tables: Mapping[str, tuple[Sequence[str], Sequence[str]]]):
    """What holds for the rows of each feature table.

    tables: name -> its keys, and those of its features that the rows have.
    `single_valued`: the share of the keys whose rows have the same features, as one join gives them.
    `distinct`: distinct rows of features, as a share of the keys. `still`: keys of which no feature changed.
    """
    return list(chain.from_iterable(_of_table(rows, last, name, *table) for name, table in tables.items()))


def _of_table(
    rows: pl.DataFrame, last: pl.DataFrame, table: str, key: Sequence[str], names: Sequence[str]
) -> Iterable[Told]:
    every = rows.select(*key, *names).unique()
    keys = every.unique(key)
    filled = keys.filter(~pl.all_horizontal(pl.col(name).is_null() for name in names))
    yield "single_valued", table, "", keys.height / every.height
    if filled.height < FEW:
        return
    yield "distinct", table, "", filled.select(names).n_unique() / filled.height
    both = _met(filled, last.unique(key), key, names)
    if both.height < FEW:
        return
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name} before")) for name in names)
    yield "still", table, "", float(both.select(same.mean()).item())


def of_pairs(rows: pl.DataFrame, last: pl.DataFrame, key: str, names: Sequence[str]) -> list[Told]:
    """How much more a column is like its own former values than like those of any other column.

    A difference of two rank correlations over the entities of both nights.
    """
    both = _met(rows, last, [key], names)
    if both.height < SOME:
        return []
    ranked = both.select(pl.col(name).rank() for name in both.columns if name != key)
    varied = [
        name for name in names if min(both[name].n_unique(), both[f"{name} before"].n_unique()) > VARIED
    ]
    if len(varied) < 2:
        return []
    related = _related(_matrix(ranked, varied), _matrix(ranked, [f"{name} before" for name in varied]))
    own = np.diag(related).copy()
    np.fill_diagonal(related, -1)
    return [
        *(("own", name, "", float(own[n] - related[n].max())) for n, name in enumerate(varied)),
        *(("kept_order", name, "", float(own[n])) for n, name in enumerate(varied)),
    ]


def _related(now: Matrix, before: Matrix) -> Matrix:
    one, other = (_standard(each) for each in (now, before))
    return one.T @ other


def _standard(values: Matrix) -> Matrix:
    centred = np.nan_to_num(values - np.nanmean(values, axis=0))
    return centred / np.maximum(np.sqrt((centred**2).sum(axis=0)), 1e-12)


def of_values(rows: pl.DataFrame, names: Sequence[str]) -> list[Told]:
    """What each number column is like, a row a key: missing, at its ends, of how many decimals, how large."""
    wanted = {
        "missing_share": lambda name: pl.col(name).is_null().mean(),
        "top_share": lambda name: (pl.col(name) == pl.col(name).max()).mean(),
        "bottom_share": lambda name: (pl.col(name) == pl.col(name).min()).mean(),
        "short_share": lambda name: (pl.col(name) == pl.col(name).round(DECIMALS)).mean(),
        "magnitude": lambda name: pl.col(name).abs().median(),
        "least": lambda name: pl.col(name).min(),
        "central": lambda name: pl.col(name).median(),
        "greatest": lambda name: pl.col(name).max(),
        "distinct_values": lambda name: pl.col(name).drop_nulls().n_unique().cast(pl.Float64),
    }
    made = rows.select(
        expression(name).cast(pl.Float64).alias(f"{reading} {name}")
        for reading, expression in wanted.items()
        for name in names
    ).row(0, named=True)
    return [
        (reading, name, "", made[f"{reading} {name}"])
        for reading in wanted
        for name in names
        if made[f"{reading} {name}"] is not None
    ]


def missing_in(rows: pl.DataFrame, slices: Mapping[str, pl.Expr], groups: Mapping[str, Sequence[str]]) -> list[Told]:
    """How many values of each group of columns a row lacks, by slice.

    slices: name -> its value. groups: name -> its columns.
    """
    lacking = rows.select(
        *(value.cast(pl.String).fill_null("missing").alias(name) for name, value in slices.items()),
        *(pl.sum_horizontal(pl.col(name).is_null() for name in names).alias(f"{group} lacking") for group, names in groups.items()),
    )
    return [
        ("lacking", group, f"{name}={row[0]}", row[n + 2])
        for name in slices
        for row in lacking.group_by(name).agg(
            pl.len().alias("rows"), *(pl.col(f"{group} lacking").mean() for group in groups)
        ).iter_rows()
        if row[1] >= SOME
        for n, group in enumerate(groups)
    ]


def twins(rows: pl.DataFrame, names: Sequence[str]) -> list[Told]:
    """The share of the rows of which another row has the same values in all of these columns."""
    return [("twins", "", "", float(rows.select(names).is_duplicated().mean()))] if names else []


def _met(rows: pl.DataFrame, last: pl.DataFrame, key: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """The keys of both nights, with the values of now and of before."""
    before = last.select(*key, *(pl.col(name).alias(f"{name} before") for name in names))
    return rows.select(*key, *names).join(before, on=list(key))


def _matrix(rows: pl.DataFrame, names: Sequence[str]) -> Matrix:
    return rows.select(pl.col(name).cast(pl.Float64) for name in names).to_numpy()
