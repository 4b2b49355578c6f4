"""An earlier night again: values, or a population, that are those of a night some days or weeks ago.

A stale table has the distribution of any night, so only its values tell. A night keeps the values of a few
keys of each column, and one number for all of its entities, as readings. Comparable nights of up to a quarter
ago have them too, so a file of four weeks ago is known again without reading that night's rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from heapq import nsmallest

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.former import FEW, Matrix, Told, matrix
from nightjar.core.wording import percent, two_lines

Places = NDArray[np.intp]

VALUE, SEAL = "value", "seal"
MARKED = 12
"""Of so many keys the values are kept, those of the least hashes: the same keys on every night."""
BYTES = 6
"""Of a hash. A number has 53 bits."""
ALL = 0.95
"""At least this share of the values must be those of the other night."""
SELDOM = 0.34
"""A column of which two comparable nights share more values may be the same by chance."""
LEAST_NIGHTS = 8
LEAST_VALUES = 8
"""Fewer values, such as those of three sensors, may be the same by chance."""


def marks(rows: pl.DataFrame, key: Sequence[str], names: Sequence[str]) -> Iterator[Told]:
    """The values of a few keys. rows: a row a key. The slice is the hash of a key, not the key."""
    texts = rows.select(pl.concat_str(pl.col(key).cast(pl.String).fill_null(""), separator="\0")).to_series()
    values = matrix(rows, names)
    digests = {_digest(text): place for place, text in enumerate(texts)}
    for mark in nsmallest(MARKED, digests):
        yield from (
            (VALUE, name, f"{_number(mark):x}", float(value))
            for name, value in zip(names, values[digests[mark]], strict=True)
            if not np.isnan(value)
        )


def seal(entities: pl.Series) -> Told:
    """One number for the entities of a night, in any order."""
    return SEAL, "", "", float(_number(_digest("\0".join(entities.cast(pl.String).unique().sort()))))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=BYTES).digest()


def _number(digest: bytes) -> int:
    return int.from_bytes(digest)


def repeated(
    tonight: pl.DataFrame, nights: Mapping[date, pl.DataFrame], rate: float, *, by_chance: bool = False
) -> Iterator[Finding]:
    """What is as it was on one of the comparable nights, and never was so on two of them.

    tonight, nights: readings. rate: the stated share of ordinary nights with a finding. by_chance: nights may
    have the same entities by chance, so these say nothing.
    """
    if len(nights) >= LEAST_NIGHTS:
        kept = pl.col("name").is_in([SEAL, VALUE])
        every = pl.concat(
            read.lazy().filter(kept).with_columns(night=pl.lit(n))
            for n, read in enumerate((tonight, *nights.values()))
        ).collect()
        if not by_chance:
            yield from _population(every.filter(name=SEAL), [*nights], rate)
        yield from _values(every.filter(name=VALUE), [*nights], rate)


def _population(read: pl.DataFrame, nights: Sequence[date], rate: float) -> Iterator[Finding]:
    """read: the seals of tonight (`night` 0) and of the nights (from 1)."""
    seals: dict[int, float] = dict(read.select("night", "value").iter_rows())
    tonight = seals.pop(0, None)
    same = [nights[night - 1] for night, seal in seals.items() if seal == tonight]
    if same and len(seals) >= LEAST_NIGHTS and len(set(seals.values())) == len(seals):
        yield Finding(
            name="population_repeated",
            number=1.0,
            limit=1.0,
            rate=rate,
            sentence=two_lines(
                f"The population is that of {same[0]}: all entities are the same",
                f"Of the {len(seals)} comparable nights no two have the same entities",
            ),
        )


def _values(read: pl.DataFrame, nights: Sequence[date], rate: float) -> Iterator[Finding]:
    """read: the values of tonight (`night` 0) and of the nights (from 1).

    A column that few of the nights have says nothing: it is new. Of a column with one value a night, such as
    the price of the day, all keys say the same: they count once.
    """
    if 0 not in read["night"]:
        return
    columns, values = _aligned(read, 1 + len(nights))
    names, starts = np.unique(columns, return_index=True)
    shares = [_shares(values, night, starts) for night in range(len(values))]
    usual = np.max(
        [np.delete(share, (0, night), axis=0) for night, (share, _) in enumerate(shares) if night], (0, 1)
    )
    share, count = (each[1:] for each in shares[0])
    alike = np.array([np.unique(each[~np.isnan(each)]).size for each in np.split(values[0], starts[1:])])
    count = np.where(alike < FEW, np.minimum(count, alike), count)
    there = np.maximum.reduceat(~np.isnan(values[1:]), starts, axis=1).sum(axis=0)
    told = (share.max(axis=0) >= ALL) & (usual <= SELDOM) & (there >= LEAST_NIGHTS)
    for place, night in enumerate(nights):
        which = np.flatnonzero(told & (share.argmax(axis=0) == place))
        if count[place, which].sum() >= LEAST_VALUES:
            most = float(usual[which].max())
            yield _stale([*names[which]], night, float(share[place, which].min()), most, rate)


def _aligned(read: pl.DataFrame, nights: int) -> tuple[list[str], Matrix]:
    """The column of each value in order, and a row of values a night. NaN: the night has no such value."""
    wide = read.pivot("night", index=["column", "slice"], values="value").sort("column", "slice")
    there = [name for name in map(str, range(nights)) if name in wide.columns]
    values = np.full((nights, wide.height), np.nan)
    values[[*map(int, there)]] = matrix(wide, there).T
    return wide["column"].to_list(), values


def _shares(values: Matrix, night: int, starts: Places) -> tuple[Matrix, Places]:
    """The share of each column's values that a night has in common with each night, and how many both know.

    starts: where the values of each column begin. The share is 0 if both know too few.
    """
    known = ~np.isnan(values) & ~np.isnan(values[night])
    count, same = (
        np.add.reduceat(each, starts, axis=1, dtype=np.intp)
        for each in (known, known & (values == values[night]))
    )
    return np.where(count >= FEW, same / np.maximum(count, 1), 0.0), count


def _stale(columns: Sequence[str], night: date, share: float, usual: float, rate: float) -> Finding:
    return Finding(
        name="outdated",
        column=", ".join(columns),
        number=share,
        expected=usual,
        limit=ALL,
        rate=rate,
        sentence=two_lines(
            f"The values of {', '.join(columns)} are those of {night}",
            f"Share of sampled values that are the same: {percent(share)}. Of two comparable nights: at most "
            f"{percent(usual)}. Limit: {percent(ALL)}",
        ),
    )
