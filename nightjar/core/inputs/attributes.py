"""Attributes: values that follow from others, as the distance follows from both airports.

What depends on a key alone has no seasons and no holidays. So even a few rows of a night that break this were
joined, converted or mixed otherwise. Which columns are attributes of which others, the nights before say.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.inputs.findings import BOTH
from nightjar.core.inputs.former import SOME, VARIED, Told, distinct

Codes = NDArray[np.int64]

MISSING = 0
"""The code of a missing value."""
EXACT, MOST_KEYS = 0.97, 0.95
"""A column is an attribute if the keys of the past are at least this share of the keys with their values.

Keys that are more of the rows of a night are hardly met twice.
"""


def of_keys(
    rows: pl.DataFrame, earlier: Sequence[pl.DataFrame], keys: Sequence[str], names: Sequence[str]
) -> Iterator[Told]:
    """`attribute`: the share of the rows whose value the nights before had for the same key too.

    rows, earlier: the night and those before it. keys: columns of few values; each, and each two of them, are
    tried as the key. names: the columns that may be attributes. Rows with a new key say nothing.
    """
    types = rows.schema
    wanted = {name: types[name] for name in (*keys, *names) if _plain(types.get(name))}
    past = [night for night in earlier if _has_alike(night.schema, wanted)]
    if len(past) < 2 or not wanted or rows.height < SOME:
        return
    every = pl.concat([night.select(*wanted) for night in (rows, *past)], how="vertical_relaxed")
    ranks = every.select(pl.all().rank("dense").fill_null(MISSING).cast(pl.Int64))
    codes = {name: ranks[name].to_numpy() for name in wanted}
    varied = [name for name in names if name in codes and distinct(codes[name]) >= VARIED]
    known = [name for name in dict.fromkeys(keys) if name in codes]
    tonight, last = slice(rows.height), slice(rows.height, rows.height + past[0].height)
    before, found = slice(rows.height, None), dict[str, list[set[str]]]()
    for of in [*combinations(known, 1), *combinations(known, 2)]:
        key = _joined([codes[name] for name in of])
        lately, ever = distinct(key[last]), distinct(key[before])
        if lately > MOST_KEYS * key[last].size or ever > MOST_KEYS * key[before].size:
            continue
        for name in varied:
            if name in of or any(each < {*of} for each in found.get(name, [])):
                continue
            value = _joined([key, codes[name]])
            if lately >= EXACT * distinct(value[last]) and ever >= EXACT * distinct(value[before]):
                found.setdefault(name, []).append({*of})
                asked = np.isin(key[tonight], key[before]) & (codes[name][tonight] != MISSING)
                if asked.sum() >= SOME:
                    same = np.isin(value[tonight][asked], value[before])
                    yield "attribute", f"{name} of {BOTH.join(of)}", "", float(same.mean())


def _plain(dtype: pl.DataType | None) -> bool:
    return dtype is not None and (dtype.is_numeric() or dtype == pl.String() or dtype == pl.Boolean())


def _has_alike(types: Mapping[str, pl.DataType], wanted: Mapping[str, pl.DataType]) -> bool:
    return all(name in types and _alike(types[name], dtype) for name, dtype in wanted.items())


def _alike(dtype: pl.DataType, other: pl.DataType) -> bool:
    return dtype == other or (dtype.is_numeric() and other.is_numeric())


def _joined(codes: Sequence[Codes]) -> Codes:
    """One code for each different row of codes."""
    first, *others = codes
    for each in others:
        first = first * (1 + int(each.max(initial=0))) + each
    return first
